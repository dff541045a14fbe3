//! What users of the store do to its disk, each with the events that Linux makes of it.

use std::collections::BTreeSet;

use ringback::look::disk::Kind;

use super::disk::{Dentry, Id, Inner, InnerDisk, STAND_IN, TOP, Writer};
use super::source::Mask;

/// Files in all, about.
const FILES: usize = 40;
const NAMES: [&[u8]; 13] = [
    b"a.mov",
    b"b.mov",
    b"c.wav",
    b"d",
    b"e f.jpg",
    b"caf\xe9",
    b"x",
    b"dir",
    b"y.tmp",
    // Sidecars, and a raw photo that takes one from the files that share its stem.
    b"a.mov.xmp",
    b"a.xmp",
    b"b.xmp",
    b"a.cr2",
];
const CROWD: &[u8] = b"crowd";
const DIRS: [&[u8]; 5] = [b"dir", b"in", b"out", b"d", b"z z"];

/// Does something.
pub fn random(s: &mut Inner) {
    let files = s.files();
    let dirs = s.dirs();
    let Some(&dir) = s.rng.pick(&dirs) else { return };
    let file = s.rng.pick(&files).cloned();
    let other = s.rng.pick(&files).cloned();
    let crowded = files.len() > FILES;
    match (s.rng.below(29), file) {
        (0..4, _) if !crowded => create(s, dir, true),
        (4, _) if !crowded => create(s, dir, false),
        (5, _) => {
            let at = s.rng.below(s.writers.len());
            if at < s.writers.len() {
                write(s, at);
            }
        }
        (6 | 7, _) => {
            let at = s.rng.below(s.writers.len());
            if at < s.writers.len() {
                close(s, at);
            }
        }
        (8, Some((at, id))) => {
            let writer = open(s, id, at);
            write(s, writer);
            close(s, writer);
        }
        (9, Some((at, id))) => {
            let writer = open(s, id, at);
            if s.rng.chance(500) {
                write(s, writer);
            }
            if s.rng.chance(500) {
                close(s, writer);
            }
        }
        (10, Some((at, _))) => unlink(s, &at),
        (11, Some((at, _))) => {
            let to = (dir, name(s));
            rename(s, &at, &to);
        }
        (12, Some((at, _))) => {
            if let Some((to, _)) = other {
                rename(s, &at, &to);
            }
        }
        (13, Some((to, _))) => {
            let tmp: &[u8] = if s.rng.chance(500) { b"new.tmp" } else { b"new" };
            let at = (to.0, tmp.to_vec());
            if let Some(id) = create_at(s, &at) {
                let writer = open(s, id, at.clone());
                write(s, writer);
                close(s, writer);
                rename(s, &at, &to);
            }
        }
        (14, _) => {
            mkdir(s, dir);
        }
        (15, _) if !crowded => {
            if let Some(made) = mkdir(s, dir) {
                let inner = if s.rng.chance(500) { mkdir(s, made) } else { None };
                for _ in 0..s.rng.below(4) {
                    create(s, inner.unwrap_or(made), true);
                }
                create(s, made, true);
            }
        }
        (16, _) => remove_dir(s, dir),
        (17, _) => {
            // Not every pair can be: into itself, over another, out of its filesystem.
            for _ in 0..4 {
                let (Some(&dir), Some(&into)) = (s.rng.pick(&dirs), s.rng.pick(&dirs)) else { return };
                if rename_dir(s, dir, into) {
                    return;
                }
            }
        }
        (18 | 19, Some((at, id))) => set_xattr(s, &at, id),
        (20, Some((at, id))) => {
            let to = (dir, name(s));
            link(s, &at, id, &to);
        }
        (21, Some((at, id))) => {
            s.nodes[id].uid = 1_000 + s.rng.below(3) as u32;
            attributes(s, &at, id);
            log(s, "chown", &at);
        }
        (22, Some((a, _))) => {
            if let Some((b, _)) = other
                && a != b
            {
                let tmp = (a.0, b"swap".to_vec());
                rename(s, &a, &tmp);
                rename(s, &b, &a);
                rename(s, &tmp, &b);
            }
        }
        (23, Some((at, _))) => {
            unlink(s, &at);
            if let Some(id) = create_at(s, &at) {
                let writer = open(s, id, at);
                write(s, writer);
                close(s, writer);
            }
        }
        (24, Some((at, _))) => match s.nodes[dir].parent.clone() {
            Some(was) if was.0 != TOP && s.rng.chance(500) => {
                remove_dir(s, dir);
                if let Some(id) = create_at(s, &was) {
                    let writer = open(s, id, was);
                    close(s, writer);
                }
            }
            _ => {
                unlink(s, &at);
                make_dir_at(s, &at);
            }
        },
        (25, Some((at, id))) => {
            let size = s.rng.below(9) as u64;
            let now = s.stamp();
            let node = &mut s.nodes[id];
            (node.size, node.mtime_ns, node.ctime_ns, node.told_ns) = (size, now, now, now);
            s.event(at.0, Some(&at.1), Mask::Modify);
            shadow(s, id, Some(&at));
            touch_all(s, id);
            log(s, "truncate", &at);
        }
        (26, Some((at, id))) => rewrite(s, &at, id),
        (27, Some((at, id))) => save_with_a_date(s, &at, id),
        (28, _) => rotate(s, dir),
        _ => {}
    }
}

fn name(s: &mut Inner) -> Vec<u8> {
    let at = s.rng.below(NAMES.len());
    NAMES[at].to_vec()
}

fn log(s: &mut Inner, what: &str, at: &Dentry) {
    let path = s.logical(at).unwrap_or_default();
    s.log.push(format!("{what} {}", path.escape_ascii()));
}

fn create(s: &mut Inner, dir: Id, whole: bool) {
    let at = (dir, name(s));
    let Some(id) = create_at(s, &at) else { return };
    let writer = open(s, id, at);
    if s.rng.chance(800) {
        write(s, writer);
    }
    if whole {
        close(s, writer);
    }
}

/// Makes a file in every directory.
pub fn create_in_each(s: &mut Inner, name: &str) {
    for dir in s.dirs() {
        let at = (dir, name.as_bytes().to_vec());
        if let Some(id) = create_at(s, &at) {
            let writer = open(s, id, at);
            close(s, writer);
        }
    }
}

/// A new, empty file, not open.
pub fn create_at(s: &mut Inner, at: &Dentry) -> Option<Id> {
    if s.nodes[at.0].children.contains_key(&at.1) || s.nodes[at.0].links == 0 {
        return None;
    }
    let volume = s.nodes[at.0].identity.volume;
    let id = s.make(Kind::File, volume);
    s.nodes[at.0].children.insert(at.1.clone(), id);
    s.event(at.0, Some(&at.1), Mask::Create);
    s.touch(at);
    log(s, &format!("create #{id}"), at);
    Some(id)
}

pub fn open(s: &mut Inner, node: Id, at: Dentry) -> usize {
    s.writers.push(Writer { node, at: Some(at) });
    s.writers.len() - 1
}

fn write(s: &mut Inner, writer: usize) {
    let Writer { node, at } = s.writers[writer].clone();
    let now = s.stamp();
    let more = s.rng.below(3) as u64;
    let file = &mut s.nodes[node];
    file.size += more;
    (file.mtime_ns, file.ctime_ns, file.told_ns) = (now, now, now);
    shadow(s, node, at.as_ref());
    if let Some(at) = at {
        let deaf = s.deaf;
        if s.rng.chance(deaf) {
            log(s, "write unseen", &at);
        } else {
            s.event(at.0, Some(&at.1), Mask::Modify);
            log(s, "write", &at);
        }
    }
    touch_all(s, node);
}

/// rsync --inplace -t: the bytes are other ones, the size and the date are the old ones.
fn rewrite(s: &mut Inner, at: &Dentry, id: Id) {
    let Some(path) = s.logical(at) else { return };
    s.event(at.0, Some(&at.1), Mask::Modify);
    s.event(at.0, Some(&at.1), Mask::Close);
    attributes(s, at, id);
    s.rewrites.push((path, id));
    log(s, "rewrite with its old date", at);
}

/// scp -p: written, closed, and then the date of the original is set.
fn save_with_a_date(s: &mut Inner, at: &Dentry, id: Id) {
    let writer = open(s, id, at.clone());
    write(s, writer);
    close(s, writer);
    s.nodes[id].mtime_ns = s.stamp() - 86_400_000_000_000;
    attributes(s, at, id);
    log(s, "set the date of", at);
}

/// Generations of a log: the oldest is overwritten, and a new log is begun.
fn rotate(s: &mut Inner, dir: Id) {
    let generations = s.rng.between(1, 12);
    let name = |n: u64| if n == 0 { b"log".to_vec() } else { format!("log.{n}").into_bytes() };
    for n in (0..generations).rev() {
        rename(s, &(dir, name(n)), &(dir, name(n + 1)));
    }
    if let Some(id) = create_at(s, &(dir, name(0))) {
        let writer = open(s, id, (dir, name(0)));
        write(s, writer);
        close(s, writer);
    }
}

/// Notes that something happened to a file by a name which no source may hint.
fn shadow(s: &mut Inner, id: Id, at: Option<&Dentry>) {
    let may_be_heard = |(dir, name): &Dentry| s.source.hears(*dir) && !name.ends_with(b".tmp");
    let is_hinted = at.is_some_and(may_be_heard) && s.mounts.iter().all(|m| m.away.is_none());
    s.nodes[id].shadowed |= s.nodes[id].linked && !is_hinted;
}

pub fn close(s: &mut Inner, writer: usize) {
    let Writer { node, at } = s.writers.remove(writer);
    shadow(s, node, at.as_ref());
    let deaf = s.deaf;
    if let Some(at) = at.filter(|_| !s.rng.chance(deaf)) {
        s.event(at.0, Some(&at.1), Mask::Close);
        log(s, "close", &at);
    }
    let lingers = s.lingers;
    if s.rng.chance(lingers) {
        let until = s.mono_ms + s.rng.between(1, 300);
        s.lingering.push((node, until));
    }
    touch_all(s, node);
    s.reap(node);
}

/// Notes that something happened to a file, at all its names.
fn touch_all(s: &mut Inner, node: Id) {
    let mut dirs = s.dirs();
    let away: Vec<Id> = s.mounts.iter().filter_map(|mount| mount.away).collect();
    for root in away {
        s.walk(root, &mut dirs);
    }
    for dir in dirs {
        for name in s.nodes[dir].children.clone().into_iter().filter(|(_, id)| *id == node).map(|(name, _)| name) {
            s.touch(&(dir, name));
        }
    }
}

/// Notes that a name loses its file.
fn unbind(s: &mut Inner, at: &Dentry) {
    if let Some(path) = s.logical(at) {
        *s.unbinds.entry(path).or_default() += 1;
    }
    s.touch(at);
}

fn unlink(s: &mut Inner, at: &Dentry) {
    unbind(s, at);
    let Some(id) = s.nodes[at.0].children.remove(&at.1) else { return };
    drop_link(s, id, at);
    s.event(at.0, Some(&at.1), Mask::Delete);
    log(s, "unlink", at);
}

fn drop_link(s: &mut Inner, id: Id, at: &Dentry) {
    let now = s.stamp();
    s.nodes[id].links -= 1;
    s.nodes[id].ctime_ns = now;
    shadow(s, id, Some(at));
    for writer in &mut s.writers {
        if writer.node == id && writer.at.as_ref() == Some(at) {
            writer.at = None;
        }
    }
    touch_all(s, id);
    s.reap(id);
}

pub fn rename(s: &mut Inner, from: &Dentry, to: &Dentry) {
    let Some(&id) = s.nodes[from.0].children.get(&from.1) else { return };
    if s.nodes[id].kind != Kind::File {
        return;
    }
    let over = s.nodes[to.0].children.get(&to.1).copied();
    let volume = |dir: Id| s.nodes[dir].identity.volume;
    let onto_dir = over.is_some_and(|over| s.nodes[over].kind != Kind::File);
    if from == to || over == Some(id) || onto_dir || volume(from.0) != volume(to.0) || s.nodes[to.0].links == 0 {
        return;
    }
    unbind(s, from);
    s.nodes[from.0].children.remove(&from.1);
    if let Some(over) = over {
        unbind(s, to);
        s.nodes[to.0].children.remove(&to.1);
        drop_link(s, over, to);
    }
    s.nodes[to.0].children.insert(to.1.clone(), id);
    let now = s.stamp();
    s.nodes[id].ctime_ns = now;
    shadow(s, id, Some(from));
    shadow(s, id, Some(to));
    touch_all(s, id);
    for writer in &mut s.writers {
        if writer.node == id && writer.at.as_ref() == Some(from) {
            writer.at = Some(to.clone());
        }
    }
    s.event(from.0, Some(&from.1), Mask::From);
    s.event(to.0, Some(&to.1), Mask::To);
    s.touch(to);
    let to = s.logical(to).unwrap_or_default().escape_ascii().to_string();
    log(s, &format!("rename to {to} from"), from);
}

fn mkdir(s: &mut Inner, dir: Id) -> Option<Id> {
    let at = s.rng.below(DIRS.len());
    make_dir_at(s, &(dir, DIRS[at].to_vec()))
}

fn make_dir_at(s: &mut Inner, at: &Dentry) -> Option<Id> {
    if s.nodes[at.0].children.contains_key(&at.1) || s.nodes[at.0].links == 0 {
        return None;
    }
    let volume = s.nodes[at.0].identity.volume;
    let id = s.make(Kind::Directory, volume);
    s.nodes[id].parent = Some(at.clone());
    s.nodes[at.0].children.insert(at.1.clone(), id);
    s.event(at.0, Some(&at.1), Mask::CreateDir);
    log(s, "mkdir", at);
    Some(id)
}

/// `rm -r`; a mount's root stays.
fn remove_dir(s: &mut Inner, dir: Id) {
    let Some(at) = s.nodes[dir].parent.clone() else { return };
    if at.0 != TOP && !holds_inner(s, dir) {
        empty_dir(s, dir);
        s.nodes[at.0].children.remove(&at.1);
        s.nodes[dir].links = 0;
        s.event(dir, None, Mask::DeleteSelf);
        s.event(at.0, Some(&at.1), Mask::Delete);
        s.reap(dir);
        log(s, "rmdir", &at);
    }
}

/// Whether something is, or was, mounted at a directory or below it: it stays where it is.
fn holds_inner(s: &Inner, dir: Id) -> bool {
    let is_root = s.nodes.iter().any(|node| node.inner.is_some_and(|inner| inner.root == dir));
    is_root || s.nodes[dir].inner.is_some() || s.nodes[dir].children.values().any(|&child| holds_inner(s, child))
}

/// Removes everything in a directory.
pub fn empty_dir(s: &mut Inner, dir: Id) {
    for (name, child) in s.nodes[dir].children.clone() {
        match s.nodes[child].kind {
            Kind::Directory => remove_dir(s, child),
            _ => unlink(s, &(dir, name)),
        }
    }
}

/// Gives whether it could be.
fn rename_dir(s: &mut Inner, dir: Id, into: Id) -> bool {
    let Some(from) = s.nodes[dir].parent.clone() else { return false };
    let mut below = Vec::new();
    s.walk(dir, &mut below);
    let at = s.rng.below(DIRS.len());
    let to = (into, DIRS[at].to_vec());
    let same_volume = s.nodes[into].identity.volume == s.nodes[dir].identity.volume;
    if from.0 == TOP
        || holds_inner(s, dir)
        || below.contains(&into)
        || s.nodes[into].children.contains_key(&to.1)
        || !same_volume
    {
        return false;
    }
    let files: Vec<Dentry> =
        below.iter().flat_map(|&dir| s.nodes[dir].children.keys().map(move |name| (dir, name.clone()))).collect();
    for at in &files {
        unbind(s, at);
    }
    s.nodes[from.0].children.remove(&from.1);
    s.nodes[into].children.insert(to.1.clone(), dir);
    s.nodes[dir].parent = Some(to.clone());
    for at in &files {
        s.touch(at);
    }
    s.event(from.0, Some(&from.1), Mask::From);
    s.event(to.0, Some(&to.1), Mask::To);
    s.event(dir, None, Mask::MoveSelf);
    let to = s.logical(&to).unwrap_or_default().escape_ascii().to_string();
    log(s, &format!("rename dir to {to} from"), &from);
    true
}

fn set_xattr(s: &mut Inner, at: &Dentry, id: Id) {
    let key = ["user.project", "user.rating", "user.state"][s.rng.below(3)];
    match s.rng.below(5) {
        0 => drop(s.nodes[id].xattrs.remove(key)),
        n => drop(s.nodes[id].xattrs.insert(key.to_owned(), format!("v{n}").into_bytes())),
    }
    attributes(s, at, id);
    log(s, "xattr", at);
}

fn attributes(s: &mut Inner, at: &Dentry, id: Id) {
    let now = s.stamp();
    s.nodes[id].ctime_ns = now;
    shadow(s, id, Some(at));
    s.event(at.0, Some(&at.1), Mask::Attrib);
    touch_all(s, id);
}

fn link(s: &mut Inner, at: &Dentry, id: Id, to: &Dentry) {
    let same_volume = s.nodes[to.0].identity.volume == s.nodes[at.0].identity.volume;
    if s.nodes[to.0].children.contains_key(&to.1) || !same_volume || s.nodes[to.0].links == 0 {
        return;
    }
    s.nodes[to.0].children.insert(to.1.clone(), id);
    s.nodes[id].links += 1;
    s.nodes[id].linked = true;
    shadow(s, id, Some(to));
    let now = s.stamp();
    s.nodes[id].ctime_ns = now;
    s.event(to.0, Some(&to.1), Mask::Create);
    touch_all(s, id);
    log(s, &format!("link #{id} at"), to);
}

/// Takes a mount's root away, and perhaps puts a directory of another volume in its place, which may hold a stray file.
pub fn take_mount_away(s: &mut Inner, mount: usize, stand_in: bool, stray: bool) {
    let name = s.mounts[mount].name.clone();
    if s.mounts[mount].away.is_some() {
        return;
    }
    let Some(root) = s.nodes[TOP].children.remove(&name) else { return };
    s.mounts[mount].away = Some(root);
    s.event(root, None, Mask::MoveSelf);
    if stand_in {
        let bare = s.make(Kind::Directory, STAND_IN);
        s.nodes[bare].parent = Some((TOP, name.clone()));
        s.nodes[TOP].children.insert(name.clone(), bare);
        if stray {
            let file = s.make(Kind::File, STAND_IN);
            s.nodes[bare].children.insert(STRAY.to_vec(), file);
        }
    }
    s.log.push(format!("away {} {stand_in} {stray}", name.escape_ascii()));
}

/// The name of what lies in a bare directory: it is never reported.
pub const STRAY: &[u8] = b"stray";

/// Brings it back, sometimes with changes made elsewhere meanwhile.
pub fn bring_mount_back(s: &mut Inner, mount: usize) {
    let name = s.mounts[mount].name.clone();
    let Some(root) = s.mounts[mount].away.take() else { return };
    s.nodes[TOP].children.insert(name.clone(), root);
    s.event(root, None, Mask::MoveSelf);
    s.log.push(format!("back {}", name.escape_ascii()));
}

/// `rm -r` of a mount's root, which is a plain directory, and another directory in its place.
pub fn remake_root(s: &mut Inner, mount: usize) {
    let name = s.mounts[mount].name.clone();
    let Some(&root) = s.nodes[TOP].children.get(&name).filter(|_| s.mounts[mount].away.is_none()) else { return };
    if holds_inner(s, root) {
        return;
    }
    empty_dir(s, root);
    s.nodes[TOP].children.remove(&name);
    s.nodes[root].links = 0;
    s.event(root, None, Mask::DeleteSelf);
    s.reap(root);
    let volume = s.nodes[root].identity.volume;
    let made = s.make(Kind::Directory, volume);
    s.nodes[made].parent = Some((TOP, name.clone()));
    s.nodes[TOP].children.insert(name.clone(), made);
    s.log.push(format!("remade {}", name.escape_ascii()));
}

/// A directory, or a file's attributes, can no longer be read, or all of them can again. No event says so.
pub fn change_readable(s: &mut Inner, files_too: bool) {
    if !s.unreadable.is_empty() && s.rng.chance(500) {
        s.unreadable.clear();
        s.log.push("all is readable".to_owned());
        return;
    }
    let dirs: Vec<_> =
        s.dirs().into_iter().filter(|&dir| s.nodes[dir].parent.as_ref().is_some_and(|at| at.0 != TOP)).collect();
    let files: Vec<_> = s.files().into_iter().map(|(_, id)| id).collect();
    let ids = if !files_too || s.rng.chance(500) { dirs } else { files };
    let Some(&id) = s.rng.pick(&ids) else { return };
    let mut below = Vec::new();
    if s.nodes[id].kind == Kind::Directory {
        s.walk(id, &mut below);
    }
    // What the first scan could not read is reported once it can be.
    let hidden: Vec<Dentry> =
        below.iter().flat_map(|&dir| s.nodes[dir].children.keys().map(move |name| (dir, name.clone()))).collect();
    for at in &hidden {
        s.touch(at);
    }
    s.unreadable.insert(id);
    s.log.push(format!("#{id} is unreadable"));
}

/// A directory of so many files in a mount.
pub fn crowd(s: &mut Inner, files: usize) {
    let Some(&root) = s.nodes[TOP].children.values().next() else { return };
    let Some(dir) = make_dir_at(s, &(root, CROWD.to_vec())) else { return };
    for n in 0..files {
        create_at(s, &(dir, n.to_string().into_bytes()));
    }
}

/// The crowd is removed, or goes elsewhere at once.
pub fn disperse(s: &mut Inner) {
    let dirs = s.dirs();
    let is_crowd = |dir: &&Id| s.nodes[**dir].parent.as_ref().is_some_and(|(_, name)| name == CROWD);
    let Some(&dir) = dirs.iter().find(is_crowd) else { return };
    let into = dirs[s.rng.below(dirs.len())];
    if s.rng.chance(600) || !rename_dir(s, dir, into) {
        remove_dir(s, dir);
    }
}

/// Mounts a filesystem inside a mount, or unmounts one, or puts a stray file where one was.
///
/// A filesystem that is entered is mounted where nothing is known (`known` are the catalog's paths): what it hides
/// would keep it out.
pub fn change_inner(s: &mut Inner, known: &BTreeSet<Vec<u8>>) {
    let places = s.inner_places();
    if let Some(&place) = s.rng.pick(&places).filter(|_| !places.is_empty()) {
        let Some(inner) = s.nodes[place].inner else { return };
        let path = s.nodes[place].parent.as_ref().and_then(|parent| s.logical(parent)).unwrap_or_default();
        let is_awaited = known.iter().any(|file| file.starts_with(&[&path[..], b"/"].concat()));
        if !inner.mounted && s.crosses && is_awaited && s.rng.chance(300) {
            let volume = s.nodes[place].identity.volume;
            let stray = s.make(Kind::File, volume);
            s.nodes[place].children.insert(STRAY.to_vec(), stray);
            s.event(place, Some(STRAY), Mask::Create);
            s.log.push("a stray below what is unmounted".to_owned());
            return;
        }
        return set_inner(s, place, InnerDisk { mounted: !inner.mounted, ..inner });
    }
    let mut dirs = s.dirs();
    let crosses = s.crosses;
    dirs.retain(|&dir| {
        let node = &s.nodes[dir];
        let is_root = node.parent.as_ref().is_none_or(|parent| parent.0 == TOP);
        let path = node.parent.as_ref().and_then(|parent| s.logical(parent)).unwrap_or_default();
        let is_known = known.iter().any(|file| file.starts_with(&[&path[..], b"/"].concat()));
        !is_root && (!crosses || (node.children.is_empty() && !is_known)) && !holds_inner(s, dir)
    });
    let Some(&dir) = s.rng.pick(&dirs).filter(|_| !dirs.is_empty()) else { return };
    let root = s.make(Kind::Directory, 50);
    s.nodes[root].parent = s.nodes[dir].parent.clone();
    set_inner(s, dir, InnerDisk { root, mounted: true });
}

/// Mounts or unmounts what is known at a directory.
pub fn set_inner(s: &mut Inner, place: Id, inner: InnerDisk) {
    // What is hidden, or shows again, is another thing than before.
    let touch_below = |s: &mut Inner, root: Id| {
        let mut dirs = Vec::new();
        s.walk(root, &mut dirs);
        for dir in dirs {
            for name in s.nodes[dir].children.keys().cloned().collect::<Vec<_>>() {
                s.touch(&(dir, name));
            }
        }
    };
    touch_below(s, place);
    touch_below(s, inner.root);
    s.nodes[place].inner = Some(inner);
    let path = s.nodes[place].parent.as_ref().and_then(|parent| s.logical(parent)).unwrap_or_default();
    let what = if inner.mounted { "mounted at" } else { "unmounted from" };
    s.log.push(format!("{what} {}", path.escape_ascii()));
}
