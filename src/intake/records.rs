//! `POST /v1/records`: the asset store's own word. All of a request takes effect, or nothing.

use super::record::Recorder;
use super::{Done, Intake, Outcome};
use crate::model::ask::Answer;
use crate::model::asset::Asset;
use crate::model::event::{Occurrence, Origin};
use crate::model::ids::MountId;
use crate::model::metadata::Source;
use crate::model::path::LogicalPath;
use crate::model::record::{Assignment, Record, RecordsAnswer, RecordsRequest, Report, Subject};
use crate::model::scope::Scope;
use crate::model::time::Now;
use crate::store::{EarlyRecord, GivenAnswer, IntakeTables, StoreError};

/// Why a request recorded nothing.
enum Refusal {
    Answer(RecordsAnswer),
    Store(StoreError),
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl Intake {
    /// Records what the asset store knows: all of it, or nothing. The answer is to be given after the commit.
    ///
    /// # Errors
    /// Only when the savepoint itself fails: the group is lost then.
    pub fn records(
        &mut self,
        now: Now,
        request: &RecordsRequest,
        ledger: IntakeTables<'_>,
    ) -> Result<(Done, Answer), StoreError> {
        let mut outcome = Outcome::default();
        let (answer, fault) = match ledger.savepoint(|| self.judge_records(now, request, ledger, &mut outcome)) {
            Ok(answer) => (Answer::Records(answer), None),
            Err(refusal) => {
                outcome = Outcome::default();
                match refusal {
                    Refusal::Answer(answer) => (Answer::Records(answer), None),
                    Refusal::Store(error) => (Answer::Unavailable, Some(error)),
                }
            }
        };
        // Records change no counts and no mount's state, so any mount stands for all of them.
        let done = self.apply(now, MountId(0), outcome);
        Ok((Done { fault, ..done }, answer))
    }

    fn judge_records(
        &self,
        now: Now,
        request: &RecordsRequest,
        ledger: IntakeTables<'_>,
        out: &mut Outcome,
    ) -> Result<RecordsAnswer, Refusal> {
        // Also a repeat's answer promises what an earlier group may not yet have on disk.
        ledger.promise();
        if let Some(given) = request.idempotency.as_ref().map(|i| ledger.given_answer(&i.key)).transpose()?.flatten() {
            let same = request.idempotency.as_ref().is_some_and(|i| i.body_sha256 == given.body_sha256);
            return Ok(match same {
                true => {
                    let GivenAnswer { rrn, accepted, applied, events, .. } = given;
                    RecordsAnswer::Accepted { rrn, accepted, applied, events }
                }
                false => RecordsAnswer::KeyReused,
            });
        }
        let (mut applied, mut events) = (0, 0);
        for (index, record) in request.records.iter().enumerate() {
            match record {
                Record::Assignment(assignment) => {
                    applied += u64::from(self.judge_assignment(now, index, assignment, &request.scope, ledger, out)?);
                }
                Record::Report(report) => {
                    self.judge_report(now, index, report, ledger)?;
                    events += 1;
                }
            }
        }
        let (rrn, accepted) = (ledger.rrn()?, request.records.len() as u64);
        if let Some(idempotency) = &request.idempotency {
            let given = GivenAnswer { body_sha256: idempotency.body_sha256, rrn, accepted, applied, events };
            ledger.put_given_answer(&idempotency.key, &given, now.wall)?;
        }
        Ok(RecordsAnswer::Accepted { rrn, accepted, applied, events })
    }

    /// Records an event that the store reports. That the caller may name its tenant has been checked.
    fn judge_report(&self, now: Now, index: usize, report: &Report, ledger: IntakeTables<'_>) -> Result<(), Refusal> {
        let Report { event, tenant, entity, display_name } = report;
        let declared = self.rules.set.events().iter().find(|declared| declared.name == *event);
        match declared {
            None if !event.is_known() => return Err(Refusal::Answer(RecordsAnswer::UnknownEvent { index })),
            Some(declared) if declared.tenant.is_some() && declared.tenant != *tenant => {
                return Err(Refusal::Answer(RecordsAnswer::EventOfAnother { index }));
            }
            _ => {}
        }
        ledger.append_event(&Occurrence {
            seq: ledger.next_seq()?,
            rrn: ledger.rrn()?,
            time: now.wall,
            name: event.to_string(),
            tenant: tenant.clone(),
            change: None,
            origin: Origin::Store,
            display_name: display_name.clone(),
            fields: entity.clone(),
        })?;
        Ok(())
    }

    /// The path by which the catalog knows what a caller names: the same bytes, or else names that are the same in NFC.
    pub(super) fn known_as(&self, path: &LogicalPath, ledger: IntakeTables<'_>) -> Result<LogicalPath, StoreError> {
        if path.as_bytes().is_ascii() {
            return Ok(path.clone());
        }
        if let Some(mount) = self.mounts.of(path) {
            return ledger.known_as(self.mounts.root_path(mount), path);
        }
        // The mount's own path may be written in another form.
        let normal = path.nfc();
        let roots = self.mounts.ids().map(|mount| self.mounts.root_path(mount));
        let Some(root) = roots.into_iter().find(|root| normal.is_at_or_below(&root.nfc())) else {
            return Ok(path.clone());
        };
        let below = path.names().skip(root.names().count());
        ledger.known_as(root, &below.fold(root.clone(), |at, name| at.join(name)))
    }

    /// Returns whether it was applied to an asset, and not kept for one to come.
    fn judge_assignment(
        &self,
        now: Now,
        index: usize,
        record: &Assignment,
        scope: &Scope,
        ledger: IntakeTables<'_>,
        out: &mut Outcome,
    ) -> Result<bool, Refusal> {
        match &record.subject {
            Subject::Asset(id) => {
                let asset = ledger.asset(*id)?.filter(|asset| self.is_within(scope, &asset.path));
                let asset = asset.ok_or(Refusal::Answer(RecordsAnswer::UnknownAsset { index }))?;
                self.assign(now, asset, record, ledger, out)?;
            }
            Subject::Path(path) => {
                let path = self.known_as(path, ledger)?;
                if !self.is_within(scope, &path) {
                    return Err(Refusal::Answer(RecordsAnswer::OutsideScope { index }));
                }
                let mount = self.mounts.of(&path).map(|mount| self.mounts.root_path(mount));
                match mount.map(|root| ledger.asset_at(root, &path)).transpose()?.flatten() {
                    Some(asset) => self.assign(now, asset, record, ledger, out)?,
                    None => {
                        keep_early(now, &path, record, ledger)?;
                        return Ok(false);
                    }
                }
            }
        }
        Ok(true)
    }

    /// Returns whether a scope covers what is at a path. A path in no mount is nobody's.
    fn is_within(&self, scope: &Scope, path: &LogicalPath) -> bool {
        scope.covers(self.mounts.of(path).and_then(|mount| self.mounts.tenant(mount)))
    }

    fn assign(
        &self,
        now: Now,
        asset: Asset,
        record: &Assignment,
        ledger: IntakeTables<'_>,
        out: &mut Outcome,
    ) -> Result<(), StoreError> {
        let mut assigned = ledger.metadata(asset.id)?.remove(Source::Records).unwrap_or_default().values;
        for key in &record.unset {
            assigned.remove(key);
        }
        assigned.extend(record.set.iter().cloned());
        let (root, tenant) = match self.mounts.of(&asset.path) {
            Some(mount) => (self.mounts.root_path(mount), self.mounts.tenant(mount)),
            // Its mount is no longer configured; its rows hang below the logical path all the same.
            None => return ledger.set_metadata(asset.id, Source::Records, &assigned.into()),
        };
        let (rules, registered, scratch, mounts) = (&self.rules, &self.registered, &self.scratch, &self.mounts);
        Recorder { now, mounts, root, tenant, is_new: false, rules, registered, scratch, ledger, out }
            .assign(asset, assigned)
    }
}

fn keep_early(now: Now, path: &LogicalPath, record: &Assignment, ledger: IntakeTables<'_>) -> Result<(), StoreError> {
    let mut early: EarlyRecord = ledger.early_record(path)?.unwrap_or_default();
    for key in &record.unset {
        early.set.remove(key);
        if !early.unset.contains(key) {
            early.unset.push(key.clone());
        }
    }
    for (key, values) in &record.set {
        early.unset.retain(|unset| unset != key);
        early.set.insert(key.clone(), values.clone());
    }
    ledger.put_early_record(path, &early, now.wall)
}
