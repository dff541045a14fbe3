//! The stages up to the look: what the disk and the engine say of a path.

use super::judge::Story;
use super::words::at;
use super::{Engine, Evidence, StageName, Stopped, There, Until, Wait, Watched};
use crate::model::look::Writer;
use crate::model::mount::Mount;
use crate::model::time::Wall;
use crate::model::watching::SourceKind;

/// Mounts that a sentence names, at most, where the path lies in none.
const NAMED: usize = 5;

/// The mount: it is there, and the path lies in it. Returns whether it does.
pub(super) fn mount(story: &mut Story, evidence: &Evidence<'_>) -> bool {
    let path = evidence.path.display();
    let Some(mount) = evidence.mount else {
        let text = format!("it lies in no mount{}", others(&evidence.mounts));
        let sentence = format!("{path} lies in no mount, so nothing watches it{}", others(&evidence.mounts));
        story.stop(StageName::Mount, Stopped::NoMount, None, text, sentence);
        return false;
    };
    let name = mount.path.display();
    if let Engine::Knows(watched) = &evidence.engine {
        if let Some((why, since)) = &watched.offline {
            let text = format!("{name} is offline: {why}");
            let when = at(evidence.now, *since);
            let sentence = format!("the mount {name} of {path} is offline since {when}: {why}");
            story.stop(StageName::Mount, Stopped::MountOffline, Some(*since), text, sentence);
            return true;
        }
        if let Some((place, is_known)) = &watched.closed {
            let text = match is_known {
                true => {
                    format!("the filesystem of {place} is not mounted, or another one is: what lies there is offline")
                }
                false => format!("another filesystem is mounted at {place}, and is not entered: see cross_filesystems"),
            };
            let stopped = if *is_known { Stopped::MountOffline } else { Stopped::NoMount };
            let sentence = format!("{path} is not looked at: {text}");
            story.stop(StageName::Mount, stopped, None, text, sentence);
            return true;
        }
    }
    // What is seen of the root now counts where the engine does not say.
    if let (There::NoRoot(why), Engine::Silent(_)) = (&evidence.seen.there, &evidence.engine) {
        let sentence = format!("the mount {name} of {path} is not there: {why}");
        story.stop(StageName::Mount, Stopped::MountOffline, None, why.clone(), sentence);
        return true;
    }
    story.pass(StageName::Mount, None, mounted(mount, &evidence.engine));
    true
}

fn others(mounts: &[&Mount]) -> String {
    if mounts.is_empty() {
        return String::new();
    }
    let named: Vec<_> = mounts.iter().take(NAMED).map(|mount| shown(mount)).collect();
    let more = mounts.len().saturating_sub(NAMED);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("; there are {}{more}", named.join(", "))
}

fn shown(mount: &Mount) -> String {
    match mount.dir.as_os_str().is_empty() {
        true => mount.path.to_string(),
        false => format!("{} ({})", mount.path, mount.dir.display()),
    }
}

fn mounted(mount: &Mount, engine: &Engine) -> String {
    let watched = match engine {
        Engine::Knows(watched) if watched.is_unknown => ", whose root is being looked at".to_owned(),
        Engine::Knows(watched) => {
            watched.source.map(|source| format!(", watched by {}", source.as_str())).unwrap_or_default()
        }
        Engine::Silent(_) => String::new(),
    };
    format!("in the mount {}{watched}", shown(mount))
}

/// No pattern ignores it.
pub(super) fn ignore(story: &mut Story, evidence: &Evidence<'_>) {
    match &evidence.seen.ignored {
        Some(why) => {
            let sentence = format!("{} is ignored: {why}", evidence.path);
            story.stop(StageName::Ignore, Stopped::Ignored, None, why.clone(), sentence);
        }
        None if matches!(evidence.seen.there, There::NotLooked(_)) => {
            story.pass(StageName::Ignore, None, "not known: nobody looked".to_owned());
        }
        None => story.pass(StageName::Ignore, None, "no pattern ignores it".to_owned()),
    }
}

/// What is at the path, and whether it can be looked at.
pub(super) fn path(story: &mut Story, evidence: &Evidence<'_>) {
    let path = evidence.path.display();
    let pass = |story: &mut Story, text: String| story.pass(StageName::Path, None, text);
    match &evidence.seen.there {
        There::Link { at, to } => {
            let to = to.as_ref().map(|to| format!(" to {}", to.display())).unwrap_or_default();
            let (text, sentence) = match *at == evidence.path {
                true => (
                    format!("it is a symbolic link{to}, and links are not followed"),
                    format!("{path} is a symbolic link{to}: links are not followed; ask of the file itself"),
                ),
                false => (
                    format!("{at} is a symbolic link{to}, and links are not followed"),
                    format!(
                        "{path} lies behind a symbolic link, {at}{to}: links are not followed; ask of the file itself"
                    ),
                ),
            };
            story.stop(StageName::Path, Stopped::SymbolicLink, None, text, sentence);
        }
        There::Directory => {
            let sentence = format!("{path} is a directory, and callbacks are about files: ask of a file in it");
            story.stop(StageName::Path, Stopped::NotAFile, None, "it is a directory".to_owned(), sentence);
        }
        There::Special => {
            let text = "it is a socket, a fifo or a device".to_owned();
            let sentence = format!("{path} is a socket, a fifo or a device, and callbacks are about files");
            story.stop(StageName::Path, Stopped::NotAFile, None, text, sentence);
        }
        There::File { size, mtime_ns, .. } => {
            let written = at(evidence.now, Wall(mtime_ns.div_euclid(1_000_000)));
            pass(story, format!("a file of {size} bytes, with the modification time {written}"));
        }
        There::Nothing => pass(story, "nothing is there now".to_owned()),
        There::NotLooked(why) | There::NoRoot(why) => pass(story, format!("not known: {why}")),
        There::Unreadable(_) => pass(story, "not known: it cannot be looked at".to_owned()),
    }
}

/// Whether it can be looked at.
pub(super) fn read(story: &mut Story, evidence: &Evidence<'_>) {
    let seen = match &evidence.seen.there {
        There::Unreadable(why) => Some(why),
        There::File { unread, .. } => unread.as_ref(),
        _ => None,
    };
    let watched = watched(evidence);
    let fault = watched.and_then(|watched| watched.fault.as_ref()).or(seen);
    let Some(why) = fault else {
        let text = match &evidence.seen.there {
            There::File { .. } => "it can be looked at",
            There::NotLooked(_) | There::NoRoot(_) => "not known: nobody looked",
            _ => "nothing failed there",
        };
        return story.pass(StageName::Read, None, text.to_owned());
    };
    let since = watched.and_then(|watched| watched.waits).filter(|wait| wait.until == Until::Fault);
    let since = since.map(|wait| wait.since);
    let when = since.map(|since| format!(", since {}", at(evidence.now, since))).unwrap_or_default();
    let sentence = format!("{} cannot be read{when}: {why}", evidence.path);
    story.stop(StageName::Read, Stopped::Unreadable, since, why.clone(), sentence);
}

/// Whether somebody writes it, and whether it waits to be looked at.
pub(super) fn writer(story: &mut Story, evidence: &Evidence<'_>) {
    let path = evidence.path.display();
    let is_held = matches!(evidence.seen.there, There::File { writer: Writer::Some, .. });
    let waits = watched(evidence).and_then(|watched| watched.waits);
    let since = waits.map(|wait| wait.since);
    let when = since.map(|since| format!(", since {}", at(evidence.now, since))).unwrap_or_default();
    let until = waits.map(|wait| wait.until);
    let next = |wait: Option<Wait>| {
        let due = wait.and_then(|wait| wait.due);
        due.map(|due| format!("; it is looked at again at {}", at(evidence.now, due))).unwrap_or_default()
    };
    match until {
        Some(Until::Close) => {
            let text = "somebody has it open for writing".to_owned();
            let sentence = format!("{path} is still open for writing{when}: it is reported once it is closed");
            story.stop(StageName::Writer, Stopped::StillWritten, since, text, sentence);
        }
        _ if is_held => {
            let text = "somebody has it open for writing".to_owned();
            let sentence = format!("{path} is still open for writing{when}: it is reported once it is closed");
            story.stop(StageName::Writer, Stopped::StillWritten, since, text, sentence);
        }
        Some(Until::LikelyClose) => {
            let text = format!("it was written and its close was not heard{}", next(waits));
            let sentence = format!(
                "{path} was written and waits for its close{when}: nobody can say whether somebody still has it open, so \
                 it is reported once its close is heard, or nothing was written for a while{}",
                next(waits)
            );
            story.stop(StageName::Writer, Stopped::WaitingForClose, since, text, sentence);
        }
        Some(Until::Quiet) => {
            let text = format!("it was written a moment ago{}", next(waits));
            let sentence = format!(
                "{path} was written and waits for its close{when}: it is reported once it is closed, or was quiet for \
                 [settle] quiet{}",
                next(waits)
            );
            story.stop(StageName::Writer, Stopped::WaitingForClose, since, text, sentence);
        }
        _ => {
            let text = match &evidence.seen.there {
                There::File { writer: Writer::Unknown { .. }, .. } => "whether somebody writes it cannot be told",
                There::File { .. } => "nobody has it open for writing",
                There::NotLooked(_) | There::NoRoot(_) | There::Unreadable(_) => "not known: nobody looked",
                _ => "there is no file to be written",
            };
            story.pass(StageName::Writer, None, text.to_owned());
        }
    }
}

/// Whether it waits to be looked at.
pub(super) fn look(story: &mut Story, evidence: &Evidence<'_>) {
    let path = evidence.path.display();
    let watched = match &evidence.engine {
        Engine::Knows(watched) => watched,
        Engine::Silent(why) => {
            if let Some(text) = unheard(evidence) {
                let sentence = format!("{path} was not looked at since it changed: {text} ({why})");
                return story.stop(StageName::Look, Stopped::NotLookedAt, None, text, sentence);
            }
            return story.pass(StageName::Look, None, "not known: only the running engine knows what waits".to_owned());
        }
    };
    if watched.offline.is_some() {
        let text = "nothing is looked at while the mount is offline";
        return story.fail(StageName::Look, None, text.to_owned());
    }
    let waits = watched.waits.filter(|wait| !is_of_a_writer(wait.until));
    if let Some(Wait { since, until, .. }) = waits {
        let text = match until {
            Until::Look => "it is being looked at",
            Until::Listing => "its directory waits to be listed",
            Until::Fault => "it is looked at again and again, until it can be read or recorded",
            _ => "it waits for its turn to be looked at",
        };
        let sentence = format!("{path} was not looked at yet: {text}, since {}", at(evidence.now, since));
        return story.stop(StageName::Look, Stopped::NotLookedAt, Some(since), text.to_owned(), sentence);
    }
    if watched.waits.is_some() {
        return story.pass(StageName::Look, None, "it is looked at again once it is written".to_owned());
    }
    if watched.is_unknown {
        let text = "the mount's root was not looked at since the start".to_owned();
        let sentence = format!("{path} was not looked at yet: {text}");
        return story.stop(StageName::Look, Stopped::NotLookedAt, None, text, sentence);
    }
    if let Some(what) = unheard(evidence) {
        if watched.holds_deletions && evidence.seen.there == There::Nothing {
            let text = "the file is gone, and its deletion is not reported, because `max_deletions` allows no more";
            let remedy = evidence.mount.map(|mount| format!(": ringback rescan --accept-deletions {}", mount.path));
            let sentence = format!("{path}: {text}{}", remedy.unwrap_or_default());
            return story.stop(StageName::Look, Stopped::NotLookedAt, None, text.to_owned(), sentence);
        }
        let since = watched.scanning;
        let when = match (since, &watched.unwatched) {
            (Some(since), _) => format!("; the mount is being scanned since {}", at(evidence.now, since)),
            (None, Some((dir, why))) => {
                format!("; nothing hints at what happens in {dir}, which is scanned each `poll_interval`: {why}")
            }
            (None, None) if watched.source == Some(SourceKind::Poll) => {
                "; nothing hints at what happens in the mount, which is scanned each `poll_interval`".to_owned()
            }
            (None, None) => format!(", and nothing has hinted at it: have it looked at with ringback rescan {path}"),
        };
        let text = format!("{what}{when}");
        let sentence = format!("{path} was not looked at yet: {text}");
        return story.stop(StageName::Look, Stopped::NotLookedAt, since, text, sentence);
    }
    story.pass(StageName::Look, None, "nothing about it waits to be looked at".to_owned());
}

fn is_of_a_writer(until: Until) -> bool {
    matches!(until, Until::Close | Until::LikelyClose | Until::Quiet)
}

/// What the disk has otherwise than the catalog.
fn unheard(evidence: &Evidence<'_>) -> Option<String> {
    if evidence.seen.ignored.is_some() {
        return None;
    }
    match (&evidence.seen.there, &evidence.known.asset) {
        (There::File { .. }, None) => Some("the file is not in the catalog".to_owned()),
        (There::File { size, mtime_ns, .. }, Some(asset)) if (*size, *mtime_ns) != (asset.size, asset.mtime_ns) => {
            Some("the file has another size or modification time than the catalog has".to_owned())
        }
        (There::Nothing, Some(_)) => Some("the file is gone, and the catalog still has it".to_owned()),
        _ => None,
    }
}

fn watched<'e>(evidence: &'e Evidence<'_>) -> Option<&'e Watched> {
    match &evidence.engine {
        Engine::Knows(watched) => Some(watched),
        Engine::Silent(_) => None,
    }
}
