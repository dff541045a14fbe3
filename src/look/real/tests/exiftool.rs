//! Looks at files that are handed over to another program.

use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use super::{Rig, path};
use crate::look::real::RealDisk;
use crate::metadata::exiftool::pool::{Exiftool, PoolLimits};
use crate::model::look::{FileLook, MetadataLook, Seen, SourceLook, Unread, Writer};
use crate::model::metadata::{Said, Source};
use crate::model::path::LogicalPath;

/// A rig whose disk asks a program that answers as exiftool does, and the paths that it wakes.
fn rig() -> (Rig, Receiver<LogicalPath>) {
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/metadata/exiftool/testdata/fake.sh");
    let (wake, woken) = channel();
    let wake = move |path: &LogicalPath| drop(wake.send(path.clone()));
    let exiftool = Exiftool::new(program, PoolLimits { processes: 1, ..PoolLimits::default() }, Box::new(wake));
    let rig = Rig::new();
    (Rig { disk: RealDisk::new().with_exiftool(Some(Arc::new(exiftool))), ..rig }, woken)
}

/// What a look says of the source.
fn source(seen: &Seen) -> Option<Result<&Said, &Unread>> {
    let Seen::File(FileLook { metadata: MetadataLook::Seen(sources), .. }) = seen else { panic!("a file: {seen:?}") };
    sources.get(&Source::Exiftool).map(|SourceLook { content, .. }| content.as_ref())
}

#[test]
fn a_file_that_no_reader_knows_is_being_read_until_there_is_an_answer() {
    let (rig, woken) = rig();
    let look = || rig.see(path("/m/a"));
    let write = |says: &str| fs::write(rig.disk("a"), says).expect("written");
    write("one");
    let Seen::BeingRead(stat) = look() else { panic!("it is handed over") };
    assert_eq!(woken.recv_timeout(Duration::from_secs(60)), Ok(path("/m/a")));
    let seen = look();
    let said = source(&seen).expect("an answer").expect("it says something");
    assert_eq!(said.values["Fake_Says"], ["one"]);
    let Seen::File(look_at_it) = &seen else { panic!("a file") };
    assert_eq!(look_at_it.stat, stat);

    // A file that is as it was when it was read is not asked about.
    let as_read = || rig.see_as_read(path("/m/a"), HashMap::from([(path("/m/a"), stat)]));
    assert_eq!(source(&as_read()), Some(Err(&Unread::AsKnown)));
    write("another");
    assert!(matches!(as_read(), Seen::BeingRead(_)));
}

#[test]
fn what_is_known_or_written_or_empty_is_not_handed_over() {
    let (rig, _woken) = rig();
    fs::write(rig.disk("known.gif"), b"GIF89a\x01\0\x01\0\0\0\0;").expect("written");
    fs::write(rig.disk("empty"), b"").expect("written");
    for name in ["known.gif", "empty"] {
        assert_eq!(source(&rig.see(path(&format!("/m/{name}")))), None, "{name}");
    }
    let writer = fs::File::create(rig.disk("held")).expect("created");
    fs::write(rig.disk("held"), "one").expect("written");
    let Seen::File(look) = rig.see(path("/m/held")) else { panic!("it waits for its writer alone") };
    assert_eq!(look.writer, Writer::Some);
    drop(writer);
}
