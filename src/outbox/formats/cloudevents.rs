//! CloudEvents 1.0.2: a change, or an event, as one event of its JSON format.
//!
//! The attributes are those of the specification's section "Context Attributes" (`id`, `source`, `specversion` and
//! `type` are required; `datacontenttype`, `subject` and `time` are optional; others are extensions, named by small
//! letters and digits), written as the JSON event format says in its sections 2 and 3. In structured content mode (HTTP
//! protocol binding, section 3.2) one event is the body, in batched content mode (section 3.3; JSON event format,
//! section 4) an array of events is.

use std::io::Write as _;

use super::json;
use super::object::EntryObject;
use crate::model::entry::Entry;
use crate::model::event::Occurrence;
use crate::model::ids::NodeId;
use crate::model::lane::Skipped;
use crate::model::subscription::Name;
use crate::model::tenant::Tenant;
use crate::model::time::Wall;

/// Writes an entry as an event. `source` and `id` name it among all events of all sidecars: the ledger, and the entry's
/// place in the journal there. A change has the same `id` in every subscription. What a backfill tells is of no change:
/// its `id` has the asset, and the transaction in which that changed last.
///
/// What is about no asset has no `subject`. Whose it is, which no path says then, and what people call it are extension
/// attributes, `tenant` and `displayname`.
pub(super) fn write(out: &mut Vec<u8>, node: NodeId, object: &EntryObject<'_>) {
    let (entry, change) = (object.entry, object.entry.about());
    // None of these has a character that JSON escapes.
    let (event, time) = match entry {
        Entry::Change(change) => (change.action.event_name(), change.time),
        Entry::Event(event) => (event.name.as_str(), event.time),
    };
    let place = match (entry, entry.seq()) {
        (Entry::Change(change), Entry::NO_SEQ) => format!("{}-{}-backfill", change.asset, change.rrn),
        (_, seq) => seq.to_string(),
    };
    write!(
        out,
        r#"{{"specversion":"1.0","type":"{event}","source":"/ringback/{node}","id":"{node}-{place}","time":"{time}""#
    )
    .expect("writing to memory does not fail");
    if let Some(change) = change {
        out.extend_from_slice(br#","subject":""#);
        percent_encoded(out, change.path.as_bytes());
        out.push(b'"');
    }
    if let Entry::Event(Occurrence { change: None, tenant, display_name, .. }) = entry {
        for (attribute, value) in
            [("tenant", tenant.as_ref().map(Tenant::as_str)), ("displayname", display_name.as_deref())]
        {
            if let Some(value) = value {
                write!(out, r#","{attribute}":"#).expect("writing to memory does not fail");
                json::text(out, value);
            }
        }
    }
    out.extend_from_slice(br#","datacontenttype":"application/json","data":"#);
    object.write(out);
    out.push(b'}');
}

/// Writes that entries were dropped as an event. Its `id` is of the last of them, and of the event's own kind: that
/// change has an event of its own in other subscriptions.
pub(super) fn lagged(name: &Name, node: NodeId, time: Wall, skipped: Skipped) -> Vec<u8> {
    let Skipped { entries, first, last } = skipped;
    let mut out = Vec::new();
    write!(
        out,
        r#"{{"specversion":"1.0","type":"callback.lagged","source":"/ringback/{node}","id":"{node}-{last}-lagged","time":"{time}","datacontenttype":"application/json","data":{{"subscription":"#
    )
    .expect("writing to memory does not fail");
    json::text(&mut out, name.as_str());
    write!(out, r#","skipped":{entries},"firstSeq":{first},"lastSeq":{last}}}}}"#)
        .expect("writing to memory does not fail");
    out
}

/// A path as in a URI: what is neither unreserved (RFC 3986, section 2.3) nor a slash is percent-encoded. The path's
/// bytes come back by decoding, UTF-8 or not.
fn percent_encoded(out: &mut Vec<u8>, path: &[u8]) {
    for &byte in path {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            out.push(byte);
        } else {
            write!(out, "%{byte:02X}").expect("writing to memory does not fail");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::percent_encoded;

    #[track_caller]
    fn check(path: &[u8], expect: &str) {
        let mut out = Vec::new();
        percent_encoded(&mut out, path);
        assert_eq!(String::from_utf8_lossy(&out), expect);
    }

    #[test]
    fn a_subject_is_the_path_percent_encoded_byte_by_byte() {
        check(b"/acme/Dailies_01-a.b~c.mov", "/acme/Dailies_01-a.b~c.mov");
        check("/caf\u{e9} 100%/\u{1f3ac}".as_bytes(), "/caf%C3%A9%20100%25/%F0%9F%8E%AC");
        check(b"/caf\xe9\x00\x1f\"\\?#+", "/caf%E9%00%1F%22%5C%3F%23%2B");
    }
}
