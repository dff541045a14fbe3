//! The judgement: stage after stage, until one is found that the file has not passed. The first is where it has
//! stopped; of the later ones it is shown what is known.

use super::words::{at, counted};
use super::{Engine, Evidence, RuleVerdict, Stage, StageName, Stopped, There, Why, delivery, seen};
use crate::model::change::{Action, Change};
use crate::model::metadata_by_key::by_key;
use crate::model::time::Wall;

/// Says where a file has stopped.
#[must_use]
pub fn judge(evidence: Evidence<'_>) -> Why {
    let mut story = Story::default();
    if seen::mount(&mut story, &evidence) {
        seen::ignore(&mut story, &evidence);
        seen::path(&mut story, &evidence);
        seen::read(&mut story, &evidence);
        seen::writer(&mut story, &evidence);
        seen::look(&mut story, &evidence);
        change(&mut story, &evidence);
        let outcome = delivery::worst(&evidence);
        rules(&mut story, &evidence, outcome.as_ref());
        delivery::stage(&mut story, &evidence, outcome.as_ref());
    }
    story.ends(evidence)
}

/// What was said so far.
#[derive(Debug, Default)]
pub(super) struct Story {
    stages: Vec<Stage>,
    /// The first stage that was not passed, and the sentence that says so.
    stopped: Option<(Stopped, String)>,
    /// What is said where all stages are passed.
    pub(super) well: Option<String>,
}

impl Story {
    /// A stage that the file has passed.
    pub(super) fn pass(&mut self, name: StageName, since: Option<Wall>, text: String) {
        self.stages.push(Stage { name, is_ok: true, since, text });
    }

    /// A stage that it has not passed.
    pub(super) fn stop(
        &mut self,
        name: StageName,
        stopped: Stopped,
        since: Option<Wall>,
        text: String,
        sentence: String,
    ) {
        self.fail(name, since, text);
        self.stopped.get_or_insert((stopped, sentence));
    }

    /// A stage of which nothing is known, because the file has stopped before it.
    pub(super) fn fail(&mut self, name: StageName, since: Option<Wall>, text: String) {
        self.stages.push(Stage { name, is_ok: false, since, text });
    }

    /// Returns whether a stage before was not passed.
    pub(super) fn is_stopped(&self) -> bool {
        self.stopped.is_some()
    }

    fn ends(mut self, evidence: Evidence<'_>) -> Why {
        for name in StageName::ALL.into_iter().skip(self.stages.len()) {
            self.fail(name, None, "not reached".to_owned());
        }
        let (stopped, mut sentence) = match self.stopped {
            Some((stopped, sentence)) => (Some(stopped), sentence),
            None => (None, self.well.unwrap_or_else(|| format!("nothing about {} waits", evidence.path))),
        };
        if let Engine::Silent(why) = &evidence.engine {
            sentence = format!("{sentence} ({why})");
        }
        Why {
            metadata: evidence.known.asset.as_ref().map(|it| by_key(&it.sources)).unwrap_or_default(),
            dir: evidence.dir,
            asset: evidence.known.asset.as_ref().map(|asset| asset.id).or(evidence.known.gone),
            stopped,
            sentence: one_line(&sentence),
            stages: self.stages.into_iter().map(|stage| Stage { text: one_line(&stage.text), ..stage }).collect(),
            changes: evidence.known.changes,
            rules: evidence.rules.shown,
            deliveries: evidence.sent.deliveries,
            path: evidence.path,
        }
    }
}

/// A sentence is one line, whatever a file's name or a target's answer holds.
fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

/// What a change is called in a sentence: `added at TIME`.
pub(super) fn what(now: Wall, change: &Change) -> String {
    let what = match change.action {
        Action::None => "its metadata changed",
        action => action.as_str(),
    };
    format!("{what} at {}", at(now, change.time))
}

fn change(story: &mut Story, evidence: &Evidence<'_>) {
    let path = evidence.path.display();
    if let Some(newest) = evidence.known.changes.first() {
        let text = format!("the newest change: {}, seq {}", what(evidence.now, newest), newest.seq);
        return story.pass(StageName::Change, Some(newest.time), text);
    }
    if story.is_stopped() && evidence.known.asset.is_none() {
        return story.fail(StageName::Change, None, "none is recorded".to_owned());
    }
    let (text, sentence) = match (&evidence.known.asset, &evidence.seen.there) {
        (Some(asset), _) => (
            format!("known as asset {}, and no change of it is recorded", asset.id.0),
            format!(
                "{path} is known, and no change of it is recorded: a first scan reports nothing, and changes older than \
                 [retention] journal are forgotten"
            ),
        ),
        (None, There::Nothing) => (
            "none is recorded".to_owned(),
            format!("{path} is not there, and nothing is recorded of it: is it the right path?"),
        ),
        (None, _) => ("none is recorded".to_owned(), format!("nothing is recorded of {path}")),
    };
    story.stop(StageName::Change, Stopped::NoChange, None, text, sentence);
}

fn rules(story: &mut Story, evidence: &Evidence<'_>, outcome: Option<&delivery::Outcome>) {
    let Some(newest) = evidence.known.changes.first() else {
        return story.fail(StageName::Rules, None, "there is no change to ask them of".to_owned());
    };
    let verdicts = &evidence.rules;
    let firing: Vec<_> = verdicts.shown.iter().filter(|rule| rule.fires()).map(|rule| &*rule.subscription).collect();
    if verdicts.firing > 0 {
        let more = verdicts.firing.saturating_sub(firing.len());
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let fire = if verdicts.firing == 1 { "fires" } else { "fire" };
        let text = format!(
            "{} of {} {fire} on it: {}{more}",
            verdicts.firing,
            counted(verdicts.asked, "rule"),
            firing.join(", ")
        );
        match outcome {
            Some(outcome) if outcome.is_of_newest => return story.pass(StageName::Rules, None, text),
            // What became of an older change says more.
            Some(outcome) if outcome.stopped.is_some() => {
                let text = format!("{text}; nothing was owed for it");
                return story.pass(StageName::Rules, None, text);
            }
            _ => {}
        }
        let fires = match &firing[..] {
            [one] => format!("the rule {one} fires"),
            _ => format!("{} rules fire", verdicts.firing),
        };
        let because = delivery::lagged(evidence)
            .unwrap_or_else(|| "the rule is newer than the change, or what it was sent is forgotten".to_owned());
        let sentence = format!(
            "nothing is owed for the newest change of {} ({}), though {fires} on it by the rules in force now: {because}",
            evidence.path,
            what(evidence.now, newest),
        );
        let text = format!("{text}; but nothing is owed for it");
        return story.stop(StageName::Rules, Stopped::NoRule, Some(newest.time), text, sentence);
    }
    let nearest = verdicts.shown.first().map(failed).unwrap_or_default();
    let text = match verdicts.asked {
        0 => "there are no rules".to_owned(),
        asked => format!("none of {} fires on it{nearest}", counted(asked, "rule")),
    };
    match outcome {
        // An older change of it is still on its way, or the rule that fired is there no more.
        Some(outcome) if outcome.stopped.is_some() || outcome.is_of_newest => {
            story.pass(StageName::Rules, None, format!("{text}, by the rules in force now"));
        }
        _ => {
            let before = outcome.map(|outcome| format!("; before that: {}", outcome.sentence)).unwrap_or_default();
            let sentence = format!(
                "no rule fires on the newest change of {} ({}){}{before}",
                evidence.path,
                what(evidence.now, newest),
                if verdicts.asked == 0 { ": there are no rules".to_owned() } else { nearest }
            );
            story.stop(StageName::Rules, Stopped::NoRule, Some(newest.time), text, sentence);
        }
    }
}

/// The clause by which the rule that came nearest does not fire.
fn failed(rule: &RuleVerdict) -> String {
    let Some((clause, why)) = &rule.failed else { return String::new() };
    match clause.is_empty() {
        true => format!(": {} does not, because {why}", rule.subscription),
        false => format!(": {} does not, because `{clause}` fails: {why}", rule.subscription),
    }
}
