//! Looking a change up: which directories above its path are rules filed under, which of its keys do rules name, and
//! which of those together are asked for.
//!
//! It goes in stages over all of them, so that the memory of one is on its way while the next is worked out.

use super::Index;
use super::anchors::bit;
use super::dirs::{self, Above, Dir, Level};
use super::found::{Found, Same};
use super::parts::lengths;
use super::postings::{Kind, Posting};
use super::prefetch::prefetch;
use super::slab::NONE;
use super::tally::{Count, Tally};
use crate::model::metadata::is_physical;
use crate::rules::condition::TextFact;
use crate::rules::eval::{Subject, Touched};
use crate::rules::value::Scale;

/// Memory that is used again from change to change.
#[derive(Debug, Clone, Default)]
pub struct Scratch {
    levels: Vec<Level>,
    dirs: Vec<Above>,
    probes: Vec<Probe>,
    /// Of one directory, which probes its filter let through.
    passed: Vec<u32>,
    candidates: Vec<Candidate>,
    /// A bit for each rule that was found and may be found again.
    seen: Vec<u64>,
}

/// A key of the change, or a value that it was given.
#[derive(Debug, Clone, Copy)]
struct Probe {
    asked: u64,
    /// What is set in a filter where this may be asked.
    bits: u64,
    /// Among the keys that were touched.
    at: u32,
    /// Which of its values; [`NONE`]: the key itself.
    value: u32,
}

/// A probe that a directory's filter let through.
#[derive(Debug, Clone, Copy)]
struct Candidate {
    hash: u64,
    head: u32,
    /// Among the directories.
    above: u32,
    /// Among the probes.
    probe: u32,
}

impl Index {
    /// Adds the numbers of the conditions that a change fires to `out`, each once, in no order.
    pub fn matching(&self, subject: &Subject<'_>, scratch: &mut Scratch, out: &mut Vec<u32>) {
        let before = out.len();
        scratch.seen.resize(self.rules.places().div_ceil(64), 0);
        let Scratch { levels, dirs, probes, passed, candidates, seen } = scratch;
        self.look_above(subject, levels);
        self.hash_touched(subject, probes);
        dirs.clear();
        self.dirs.above(&self.texts, &subject.path, levels, dirs);
        if dirs.is_empty() {
            return;
        }
        for above in &*dirs {
            let dir = self.dirs.get(above.dir);
            for head in [dir.any, dir.touch] {
                if head != NONE {
                    prefetch(self.postings.get(head));
                }
            }
        }
        let mut found = Found { index: self, subject, action: bit(subject.action), seen, out };
        if !subject.touched.is_empty() {
            self.find_candidates(dirs, probes, passed, candidates);
            self.take_candidates(subject, dirs, probes, candidates, &mut found);
            self.probe_keys(subject, dirs, &mut found);
        }
        for above in &*dirs {
            let dir = self.dirs.get(above.dir);
            found.walk(dir.any, *above, |_| true);
            if subject.touches_logical {
                found.walk(dir.touch, *above, |posting| posting.kind == Kind::Touch);
            }
        }
        if self.tally.held.uses + self.tally.held_some.uses > 0 {
            self.probe_held(subject, dirs, &mut found);
        }
        self.probe_path(subject, dirs, &mut found);
        for rule in &out[before..] {
            if let Some(word) = seen.get_mut(*rule as usize / 64) {
                *word &= !(1 << (rule % 64));
            }
        }
    }

    /// Begins to look for the directories above the path, of all tenants and of this one.
    fn look_above(&self, subject: &Subject<'_>, levels: &mut Vec<Level>) {
        levels.clear();
        self.dirs.look_above(&self.hashing, &self.texts, NONE, &subject.path, levels);
        if self.dirs.has_tenants()
            && let Some(tenant) = subject.facts.tenant
            && let Some(tenant) = self.texts.find(self.hashing.text(0, tenant.as_bytes()), tenant.as_bytes())
        {
            self.dirs.look_above(&self.hashing, &self.texts, tenant, &subject.path, levels);
        }
    }

    /// What is asked by the keys that were touched and the values that they were given.
    fn hash_touched(&self, subject: &Subject<'_>, probes: &mut Vec<Probe>) {
        probes.clear();
        let mut probe = |asked, at, value| probes.push(Probe { asked, bits: dirs::bits(asked), at, value });
        for (at, touched) in (0..).zip(&subject.touched) {
            let hash = self.hashing.key(touched.key.as_bytes());
            probe(hash, at, NONE);
            for value in 0..touched.given_len() {
                probe(self.hashing.value(hash, touched.given_at(value).as_bytes()), at, value as u32);
            }
        }
    }

    /// Which of these are asked for below which directories, as far as hashes can say.
    fn find_candidates(
        &self,
        dirs: &[Above],
        probes: &[Probe],
        passed: &mut Vec<u32>,
        candidates: &mut Vec<Candidate>,
    ) {
        if passed.len() < probes.len() {
            passed.resize(probes.len(), 0);
        }
        candidates.clear();
        for (above, Above { dir, .. }) in (0..).zip(dirs) {
            let filter = self.dirs.get(*dir).filter();
            if filter.is_empty() {
                continue;
            }
            let mut count = 0;
            for (probe, Probe { asked, bits, .. }) in (0..).zip(probes) {
                // Few pass, and which ones nobody can foretell: so there is no branch.
                passed[count] = probe;
                count += usize::from(filter[dirs::word(*asked, filter.len())] & bits == *bits);
            }
            candidates.extend(passed[..count].iter().map(|&probe| {
                let hash = self.hashing.below(*dir, probes[probe as usize].asked);
                self.table.prefetch(hash);
                Candidate { hash, head: NONE, above, probe }
            }));
        }
        // None of these waits for another's memory.
        for candidate in &mut *candidates {
            candidate.head = self.table.get(candidate.hash);
            if let Some(posting) = self.postings.at(candidate.head) {
                prefetch(posting);
            }
        }
        candidates.retain(|candidate| candidate.head != NONE);
        for candidate in &*candidates {
            let posting = self.postings.get(candidate.head);
            self.texts.prefetch(posting.key);
            self.texts.prefetch(posting.value);
        }
    }

    /// Compares what stands in the lists of the candidates with what the change has.
    fn take_candidates(
        &self,
        subject: &Subject<'_>,
        dirs: &[Above],
        probes: &[Probe],
        candidates: &[Candidate],
        found: &mut Found<'_, '_>,
    ) {
        for Candidate { head, above, probe, .. } in candidates {
            let (above, probe) = (dirs[*above as usize], probes[*probe as usize]);
            let touched = &subject.touched[probe.at as usize];
            // Texts are kept once: what has the number of one that was compared needs no comparing.
            let mut key = Same::to(touched.key.as_bytes());
            if probe.value == NONE {
                // Where it has one value, the number of its text says which `!=` it is not.
                let mut only: Option<u32> = None;
                found.walk(*head, above, |posting| {
                    posting.kind.is_of_key()
                        && key.is(&self.texts, posting.key)
                        && match posting.kind {
                            Kind::Without if touched.now.is_one() => {
                                let text = touched.now.at(0).as_bytes();
                                let find = || self.texts.find(self.hashing.text(0, text), text).unwrap_or(NONE);
                                *only.get_or_insert_with(find) != posting.value
                            }
                            _ => self.is_asked_of(posting, touched),
                        }
                });
            } else {
                let mut value = Same::to(touched.given_at(probe.value as usize).as_bytes());
                // A sequence may have a value twice.
                let again = touched.now.is_several();
                found.walk_again(*head, above, again, |posting| {
                    posting.kind == Kind::Value
                        && key.is(&self.texts, posting.key)
                        && value.is(&self.texts, posting.value)
                });
            }
        }
        if self.parts.len() > 0 {
            for above in dirs {
                let dir = self.dirs.get(above.dir);
                for probe in probes.iter().filter(|probe| probe.value == NONE) {
                    self.probe_parts(&subject.touched[probe.at as usize], *probe, *above, dir, found);
                }
            }
        }
    }

    /// Whether what a posting asks of its key, which was touched, is so.
    #[inline]
    fn is_asked_of(&self, posting: &Posting, touched: &Touched<'_>) -> bool {
        match posting.kind {
            Kind::Given => touched.given().next().is_some(),
            Kind::Without => {
                let not = self.texts.get(posting.value);
                !touched.now.is_empty() && touched.now.iter().all(|value| value.as_bytes() != not)
            }
            Kind::Removed => touched.now.is_empty(),
            Kind::Touched => true,
            _ => false,
        }
    }

    /// What is asked of parts of the values that a key was given.
    fn probe_parts(&self, touched: &Touched<'_>, probe: Probe, above: Above, dir: &Dir, found: &mut Found<'_, '_>) {
        let Probe { asked: hash, .. } = probe;
        let mut key = Same::to(touched.key.as_bytes());
        if !dir.may_ask(self.hashing.of_key(Kind::Parts, hash, &[])) {
            return;
        }
        let Some(parts) = self.find_parts(above.dir, touched.key.as_bytes()) else { return };
        let parts = self.parts.get(parts);
        for value in touched.given() {
            let bytes = value.as_bytes();
            let mut part = |kind, part: &[u8]| {
                let asked = self.hashing.of_key(kind, hash, part);
                if dir.may_ask(asked) {
                    let head = self.table.get(self.hashing.below(above.dir, asked));
                    found.walk(head, above, |posting| {
                        posting.kind == kind
                            && key.is(&self.texts, posting.key)
                            && self.texts.get(posting.value) == part
                    });
                }
            };
            for length in lengths(parts.prefixes, bytes.len()) {
                part(Kind::Prefix, &bytes[..length]);
            }
            for length in lengths(parts.suffixes, bytes.len()) {
                part(Kind::Suffix, &bytes[bytes.len() - length..]);
            }
            if parts.grams {
                for gram in bytes.windows(3) {
                    part(Kind::Gram, gram);
                }
            }
            if parts.compares() {
                for scale in [Scale::Number, Scale::Date] {
                    let Some(value) = scale.read(value) else { continue };
                    for head in parts.passed(scale, &value) {
                        // These lists are of this key and directory alone.
                        found.walk(head, above, |_| true);
                    }
                }
            }
        }
    }

    /// What is asked of keys that are not named whole, and of values whatever their key.
    fn probe_keys(&self, subject: &Subject<'_>, dirs: &[Above], found: &mut Found<'_, '_>) {
        let Tally { key_prefixes, key_suffixes, some_values, .. } = self.tally;
        if key_prefixes.uses + key_suffixes.uses + some_values.uses == 0 {
            return;
        }
        // Patterns of keys see no physical ones.
        for touched in subject.touched.iter().filter(|touched| !is_physical(touched.key)) {
            self.probe_parts_of(
                Kind::KeyPrefix,
                Kind::KeySuffix,
                touched.key,
                (key_prefixes, key_suffixes),
                dirs,
                found,
            );
            if some_values.uses > 0 {
                touched.given().for_each(|value| self.probe_text(Kind::SomeValue, value.as_bytes(), dirs, found));
            }
        }
    }

    /// What is asked of metadata as it stands.
    fn probe_held(&self, subject: &Subject<'_>, dirs: &[Above], found: &mut Found<'_, '_>) {
        for (text, values) in subject.held() {
            let hash = self.hashing.key(text.as_bytes());
            let mut key = Same::to(text.as_bytes());
            for above in dirs {
                let mut ask = |kind, value: &[u8]| {
                    self.probe_one(*above, self.hashing.of_key(kind, hash, value), found, |posting| {
                        posting.kind == kind
                            && key.is(&self.texts, posting.key)
                            && (kind == Kind::HeldKey || self.texts.get(posting.value) == value)
                    });
                };
                ask(Kind::HeldKey, &[]);
                values.iter().for_each(|value| ask(Kind::HeldValue, value.as_bytes()));
            }
            if self.tally.held_some.uses > 0 && !is_physical(text) {
                values.iter().for_each(|value| self.probe_text(Kind::HeldSome, value.as_bytes(), dirs, found));
            }
        }
    }

    /// What is asked of the path's end, and of facts.
    fn probe_path(&self, subject: &Subject<'_>, dirs: &[Above], found: &mut Found<'_, '_>) {
        for above in dirs {
            for length in lengths(self.dirs.get(above.dir).suffixes, subject.path.len()) {
                let suffix = &subject.path[subject.path.len() - length..];
                self.probe_text(Kind::PathSuffix, suffix, std::slice::from_ref(above), found);
            }
        }
        for (fact, counts) in TextFact::ALL.into_iter().zip(&self.tally.facts).filter(|(_, counts)| counts.uses() > 0) {
            let text = subject.text(fact);
            self.probe_text(Kind::Fact(fact), text.as_bytes(), dirs, found);
            let counts = (counts.prefixes, counts.suffixes);
            self.probe_parts_of(Kind::FactPrefix(fact), Kind::FactSuffix(fact), &text, counts, dirs, found);
        }
    }

    /// What is asked of a text's beginning and of its end.
    fn probe_parts_of(
        &self,
        beginning: Kind,
        end: Kind,
        text: &str,
        (beginnings, ends): (Count, Count),
        dirs: &[Above],
        found: &mut Found<'_, '_>,
    ) {
        let text = text.as_bytes();
        for length in lengths(beginnings.lengths, text.len()) {
            self.probe_text(beginning, &text[..length], dirs, found);
        }
        for length in lengths(ends.lengths, text.len()) {
            self.probe_text(end, &text[text.len() - length..], dirs, found);
        }
    }

    /// What is asked by a text alone.
    fn probe_text(&self, kind: Kind, text: &[u8], dirs: &[Above], found: &mut Found<'_, '_>) {
        let Some(asked) = self.hashing.keyless(kind, text) else { return };
        for above in dirs {
            self.probe_one(*above, asked, found, |posting| {
                posting.kind == kind && self.texts.get(posting.value) == text
            });
        }
    }

    fn probe_one(&self, above: Above, asked: u64, found: &mut Found<'_, '_>, is_asked: impl FnMut(&Posting) -> bool) {
        if self.dirs.get(above.dir).may_ask(asked) {
            found.walk_again(self.table.get(self.hashing.below(above.dir, asked)), above, true, is_asked);
        }
    }
}
