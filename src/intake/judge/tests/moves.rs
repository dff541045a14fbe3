//! What the added half of a move says of the other half, and what each change says of its file.

use super::{World, files, path};
use crate::intake::tests::machine::World as _;
use crate::model::change::Action;
use crate::model::hint::HintKind;
use crate::model::mount::Mount;
use crate::model::tenant::Tenant;

impl World {
    /// Every change that is recorded: `SEQ ACTION PATH SIZE`, and for the added half of a move also
    /// `from PREVIOUS_PATH MOVED`.
    fn moves(&self) -> Vec<String> {
        let sql = "SELECT seq, action, path, size, mtime_ns, previous_path, moved FROM journal ORDER BY seq";
        let mut sql = self.machine.reader.prepare(sql).expect("a journal");
        let first = self.first_seq();
        let rows = sql.query_map([], |row| {
            let seq = row.get::<_, i64>(0)? - first + 1;
            let action = Action::from_code(row.get(1)?).expect("an action").as_str();
            let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("a path in UTF-8");
            let mut line = format!("{seq} {action} {} {}", text(row.get(2)?), row.get::<_, i64>(3)?);
            assert_eq!(row.get::<_, i64>(4)?, 1, "the mtime of every file");
            if let Some(from) = row.get(5)? {
                line.push_str(&format!(" from {}", text(from)));
            }
            if let Some(moved) = row.get::<_, Option<i64>>(6)? {
                line.push_str(&format!(" {}", moved - first + 1));
            }
            Ok(line)
        });
        rows.expect("rows").map(|row| row.expect("a row")).collect()
    }

    fn first_seq(&self) -> i64 {
        let first = "SELECT coalesce(min(seq), 0) FROM journal";
        self.machine.reader.query_row(first, [], |row| row.get(0)).expect("a journal")
    }
}

/// What the world is, is hinted piece by piece.
#[track_caller]
fn check(before: &[&str], after: &[&str], pieces: &[&[&str]], expect: &[&str]) {
    let mut world = World::new(before);
    world.files = files(after);
    for piece in pieces {
        world.hint(piece, HintKind::Moved);
        world.run();
        world.wait(30);
        world.run();
    }
    assert_eq!(world.moves(), expect);
}

#[test]
fn a_moved_asset_comes_from_where_it_was_deleted_in_whatever_order_its_places_are_heard() {
    let expect = ["1 deleted /a 1", "2 added /d/b 1 from /a 1"];
    for pieces in [&[&["/a", "/d/b"][..]][..], &[&["/d/b", "/a"]], &[&["/a"], &["/d/b"]], &[&["/d/b"], &["/a"]]] {
        check(&["/a 10"], &["/d/b 10"], pieces, &expect);
    }
}

#[test]
fn a_new_asset_and_one_that_was_saved_come_from_nowhere() {
    check(&[], &["/a 10"], &[&["/a"]], &["1 added /a 1"]);
    let mut world = World::new(&["/a 10"]);
    world.files.clear();
    world.hint(&["/a"], HintKind::Moved);
    world.run();
    (world.files, world.size) = (files(&["/a 11"]), 2);
    world.hint(&["/a"], HintKind::Closed);
    world.run();
    assert_eq!(world.moves(), ["1 deleted /a 1", "2 added /a 2"]);
}

#[test]
fn assets_that_swap_their_paths_come_from_each_other_s() {
    check(
        &["/a 10", "/b 11"],
        &["/a 11", "/b 10"],
        &[&["/a", "/b"]],
        &["1 deleted /a 1", "2 deleted /b 1", "3 added /a 1 from /b 2", "4 added /b 1 from /a 1"],
    );
}

#[test]
fn each_asset_of_a_chain_comes_from_the_path_before() {
    check(
        &["/a 10", "/b 11"],
        &["/b 10", "/c 11"],
        &[&["/a", "/b", "/c"]],
        &["1 deleted /a 1", "2 deleted /b 1", "3 added /b 1 from /a 1", "4 added /c 1 from /b 2"],
    );
}

/// The end of the chain is heard when the place before it was judged as a save.
#[test]
fn a_chain_that_is_put_right_late_has_the_same_previous_paths() {
    check(
        &["/a 10", "/b 11"],
        &["/b 10", "/c 11"],
        &[&["/a", "/b"], &["/c"]],
        &["1 deleted /a 1", "2 modified /b 1", "3 deleted /b 1", "4 added /c 1 from /b 3", "5 added /b 1 from /a 1"],
    );
}

/// An asset that went hours ago comes back elsewhere: it comes from its last path, through several moves and a restart.
#[test]
fn an_asset_that_comes_back_comes_from_its_last_path() {
    let mut world = World::new(&["/a 10"]);
    for at in [&["/b 10"][..], &[], &["/c 10"]] {
        world.files = files(at);
        world.hint(&["/a", "/b", "/c"], HintKind::Moved);
        world.run();
        world.wait(3_600_000);
        world.machine.restart();
        world.run();
    }
    assert_eq!(world.moves(), ["1 deleted /a 1", "2 added /b 1 from /a 1", "3 deleted /b 1", "4 added /c 1 from /b 3"]);
}

/// What the files of a tenant are called is for that tenant alone.
#[test]
fn an_asset_that_comes_from_the_mount_of_another_tenant_comes_from_nowhere() {
    for (tenants, from) in [(["acme", "acme"], " from /x/a 1"), (["acme", "other"], "")] {
        let mut world = World::new(&[]);
        let mount = |(at, tenant): (&str, &str)| Mount {
            tenant: Some(Tenant::parse(tenant).expect("a tenant")),
            ignore: Vec::new(),
            ..Mount::new(path(at), "/unused".into())
        };
        world.machine.setup.mounts = ["/x", "/y"].into_iter().zip(tenants).map(mount).collect();
        world.machine.restart();
        world.files = files(&["/x/a 10"]);
        world.run();
        world.files = files(&["/y/b 10"]);
        world.hint(&["/x/a"], HintKind::Moved);
        world.run();
        world.hint(&["/y/b"], HintKind::Moved);
        world.run();
        assert_eq!(world.moves(), ["1 deleted /x/a 1".to_owned(), format!("2 added /y/b 1{from}")]);
    }
}

/// A deletion has the size that was last known, also where the path has another file by now.
#[test]
fn a_change_has_the_size_of_its_asset_s_file() {
    let mut world = World::new(&["/a 10"]);
    world.size = 2;
    world.hint(&["/a"], HintKind::Closed);
    world.run();
    world.size = 3;
    world.files.clear();
    world.hint(&["/a"], HintKind::Moved);
    world.run();
    assert_eq!(world.moves(), ["1 modified /a 2", "2 deleted /a 2"]);
}
