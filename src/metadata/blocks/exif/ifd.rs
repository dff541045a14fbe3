//! The walk over the directories of a TIFF structure, in a block or in a file of any size. Knows no tag but by the
//! tables, and reads no image data.
//!
//! A directory is a list of entries and a link to the next directory. An entry has a number, a type, a count, and a
//! value or its offset. Some values are offsets of further directories, some are blocks of other formats: those are
//! reported with their place in the file, and not read here. Damage of an entry skips the entry; a directory that
//! cannot be read is skipped too, unless it is the first.
//!
//! Source: TIFF 6.0, section 2.

use std::collections::VecDeque;

use crate::metadata::fault::Fault;
use crate::metadata::input::Input;
use crate::metadata::limits::{BLOCK_BYTES_MAX, IFD_ENTRIES_MAX, IFDS_MAX, VALUE_BYTES_MAX};
use crate::metadata::tag::{Family, Tag, TagValue, Text};

use super::header::Header;
use super::kind::{Directory, Embedded, Kind};
use super::names::{Names, is_twin};
use super::place::Place;
use super::places;
use super::raw::{Order, Raw, Type};
use super::values;

/// How many of the offsets that one tag has are followed, as in ExifTool.
pub(super) const SUBS_MAX: usize = 10;
/// With more entries than this that make no sense, the rest of a directory is left out.
pub(super) const DAMAGED_ENTRIES_MAX: u32 = 10;
/// How much of a value is read: whatever its form is, so much of it makes more text than a value may have, unless a NUL
/// ends the text before.
const VALUE_BYTES_READ: usize = 4 * VALUE_BYTES_MAX;

/// What a walk has found.
#[derive(Debug, Default)]
pub struct Structure {
    /// The tags of all directories.
    pub tags: Vec<Tag>,
    /// Blocks of other formats: what they are, where they begin, and their bytes.
    pub blocks: Vec<(Embedded, u64, usize)>,
}

/// Walks over the directories that a header leads to.
///
/// # Errors
/// When the first directory cannot be read, at a limit, or as the disk says.
pub fn walk(input: &mut Input<'_>, header: Header) -> Result<Structure, Fault> {
    let first = Pending { place: Place::Main(0), at: header.first, base: 0, order: header.order, is_linked: false };
    let mut walk = Walk {
        input,
        is_big: header.is_big,
        first_names: header.names,
        pending: VecDeque::from([first]),
        seen: Vec::new(),
        groups: Vec::new(),
        text_bytes: 0,
        entries: Vec::new(),
        out: Structure { tags: Vec::with_capacity(64), blocks: Vec::new() },
    };
    while let Some(pending) = walk.pending.pop_front() {
        let is_read = walk.directory(pending)?;
        if !is_read && pending.place == Place::Main(0) {
            return Err(Fault::damaged("EXIF", "its first directory is not inside it"));
        }
    }
    Ok(walk.out)
}

/// A directory that is to be read.
#[derive(Debug, Clone, Copy)]
struct Pending {
    place: Place,
    at: u64,
    base: u64,
    order: Order,
    /// Whether the link of another directory leads here, and no pointer.
    is_linked: bool,
}

/// One entry, as far as all entries are alike.
#[derive(Debug, Clone, Copy)]
struct Entry {
    number: u16,
    kind: Type,
    size: u64,
    value: Value,
}

/// Where the value of an entry is.
#[derive(Debug, Clone, Copy)]
enum Value {
    /// In the entry, at this offset of the directory's entries.
    Inline(usize),
    /// Elsewhere in the input.
    At(u64),
}

struct Walk<'i, 'c> {
    input: &'i mut Input<'c>,
    is_big: bool,
    first_names: Names,
    pending: VecDeque<Pending>,
    seen: Vec<u64>,
    groups: Vec<Text>,
    text_bytes: usize,
    /// The entries of the current directory, and the link behind them.
    entries: Vec<u8>,
    out: Structure,
}

/// Sizes of the parts of a directory: its count, an entry, a value or offset inside the entry.
struct Sizes {
    count: usize,
    entry: usize,
    value: usize,
}

const CLASSIC: Sizes = Sizes { count: 2, entry: 12, value: 4 };
const BIG: Sizes = Sizes { count: 8, entry: 20, value: 8 };

impl Walk<'_, '_> {
    fn sizes(&self) -> &'static Sizes {
        if self.is_big { &BIG } else { &CLASSIC }
    }

    /// Reads a directory; returns whether it could be read.
    fn directory(&mut self, pending: Pending) -> Result<bool, Fault> {
        self.input.budget.step()?;
        if self.seen.contains(&pending.at) {
            return Ok(true);
        }
        if self.seen.len() == IFDS_MAX {
            return Err(Fault::limit("EXIF has more directories than allowed", format!("{IFDS_MAX} directories")));
        }
        self.seen.push(pending.at);
        let Some(count) = self.load(pending)? else {
            return Ok(false);
        };
        let Pending { place, order, is_linked, .. } = pending;
        // Raw files have links without meaning behind further images.
        if is_linked
            && !matches!(place, Place::Main(_))
            && (0..count).any(|at| self.entry(pending, at, count).is_none())
        {
            return Ok(true);
        }
        let group = place.group();
        let is_repeated = self.groups.contains(&group);
        self.groups.push(group.clone());
        let first_tag = self.out.tags.len();
        let names = place.names(self.first_names);
        let (mut damaged, mut last) = (0, None);
        for index in 0..count {
            self.input.budget.step()?;
            let Some(entry) = self.entry(pending, index, count) else {
                // A directory that begins so is something else.
                damaged += 1;
                if index == 0 || damaged > DAMAGED_ENTRIES_MAX {
                    break;
                }
                continue;
            };
            let may_repeat = is_repeated || is_twin(entry.number) || last.is_some_and(|last| entry.number <= last);
            last = Some(entry.number);
            let Some((name, kind)) = names.look_up(entry.number) else {
                continue;
            };
            match kind {
                Kind::Pointer(directory) => self.pointer(pending, &entry, directory)?,
                Kind::Block(block) => self.block(&entry, block),
                kind => {
                    let Some(text) = self.text(&entry, kind, order)? else {
                        continue;
                    };
                    let is_same = |tag: &&mut Tag| tag.name == name && tag.group == group;
                    let value = TagValue::Text(text);
                    // Of two tags of one name, ExifTool shows the last.
                    match self.out.tags.iter_mut().filter(|_| may_repeat).find(is_same) {
                        Some(tag) => tag.value = value,
                        None => self.out.tags.push(Tag {
                            family: Family::Exif,
                            group: group.clone(),
                            name: Text::Borrowed(name),
                            language: None,
                            value,
                        }),
                    }
                }
            }
        }
        if place == Place::Gps {
            let first_tag = if is_repeated { 0 } else { first_tag };
            places::sign(self.out.tags.get_mut(first_tag..).unwrap_or_default());
        }
        self.follow(pending, count);
        Ok(true)
    }

    /// Reads the entries of a directory and the link behind them; returns how many entries there are.
    fn load(&mut self, Pending { at, order, .. }: Pending) -> Result<Option<usize>, Fault> {
        let sizes = self.sizes();
        let head = self.input.at_most(at, sizes.count)?;
        let count = match self.is_big {
            true => order.u64(head, 0),
            false => order.u16(head, 0).map(u64::from),
        };
        let Some(count) = count else {
            return Ok(None);
        };
        let begin = at.saturating_add(sizes.count as u64);
        let end = count.checked_mul(sizes.entry as u64).and_then(|length| begin.checked_add(length));
        if end.is_none_or(|end| end > self.input.size()) {
            return Ok(None);
        }
        let count = match usize::try_from(count) {
            Ok(count) if count <= IFD_ENTRIES_MAX => count,
            _ => {
                let first = self.input.at_most(begin, sizes.entry)?;
                let is_directory = order.u16(first, 2).and_then(Type::of).is_some();
                let what = "an EXIF directory has more entries than allowed";
                let limit = || Fault::limit(what, format!("{IFD_ENTRIES_MAX} entries"));
                return if is_directory { Err(limit()) } else { Ok(None) };
            }
        };
        let entries = self.input.at_most(begin, count * sizes.entry + sizes.value)?;
        self.entries.clear();
        self.entries.extend_from_slice(entries);
        Ok(Some(count))
    }

    /// The entry of an index; `None` when it makes no sense.
    fn entry(&self, Pending { at, base, order, .. }: Pending, index: usize, count: usize) -> Option<Entry> {
        let sizes = self.sizes();
        let begin = index * sizes.entry;
        let number = order.u16(&self.entries, begin)?;
        let kind = Type::of(order.u16(&self.entries, begin + 2)?)?;
        let numbers = match self.is_big {
            true => order.u64(&self.entries, begin + 4)?,
            false => order.u32(&self.entries, begin + 4)?.into(),
        };
        let inline = begin + sizes.entry - sizes.value;
        let size = numbers.checked_mul(kind.size() as u64)?;
        if size <= sizes.value as u64 {
            return Some(Entry { number, kind, size, value: Value::Inline(inline) });
        }
        let offset = match self.is_big {
            true => order.u64(&self.entries, inline)?,
            false => order.u32(&self.entries, inline)?.into(),
        };
        let from = base.checked_add(offset)?;
        let to = from.checked_add(size)?;
        let directory_end = at + (sizes.count + count * sizes.entry) as u64;
        let is_sound = offset >= 8 && to <= self.input.size() && (to <= at || from >= directory_end);
        is_sound.then_some(Entry { number, kind, size, value: Value::At(from) })
    }

    /// The bytes of a value, at most so many; `None` when there are more.
    fn bytes(&mut self, entry: &Entry, most: usize) -> Result<Option<&[u8]>, Fault> {
        let Some(size) = usize::try_from(entry.size).ok().filter(|&size| size <= most) else {
            return Ok(None);
        };
        match entry.value {
            Value::Inline(at) => Ok(self.entries.get(at..).and_then(|bytes| bytes.get(..size))),
            Value::At(at) => self.input.bytes(at, size),
        }
    }

    /// The text of a value; `None` when it is not to be shown.
    fn text(&mut self, entry: &Entry, kind: Kind, order: Order) -> Result<Option<String>, Fault> {
        if kind == Kind::Presence {
            return Ok(Some(String::new()));
        }
        let is_table = kind == Kind::Short || (kind == Kind::Plain && entry.kind == Type::Undefined);
        if is_table && entry.size > VALUE_BYTES_MAX as u64 {
            return Ok(None);
        }
        if matches!(kind, Kind::Plain | Kind::Short | Kind::Labelled) && entry.kind.is_number() {
            // A number is two characters at least, the space behind it included.
            let count = entry.size / entry.kind.size() as u64;
            if kind == Kind::Short && count > 32 {
                return Ok(None);
            }
            if count > VALUE_BYTES_MAX as u64 / 2 {
                return Err(too_long());
            }
        }
        let part = Entry { size: entry.size.min(VALUE_BYTES_READ as u64), ..*entry };
        let Some(bytes) = self.bytes(&part, VALUE_BYTES_READ)? else {
            return Ok(None);
        };
        let raw = Raw { kind: entry.kind, bytes, order };
        let Some(text) = values::read(kind, &raw) else {
            return Ok(None);
        };
        if text.len() > VALUE_BYTES_MAX {
            return Err(too_long());
        }
        self.text_bytes = self.text_bytes.saturating_add(text.len());
        if self.text_bytes > BLOCK_BYTES_MAX {
            return Err(Fault::limit("EXIF has more text than allowed", format!("{BLOCK_BYTES_MAX} bytes")));
        }
        Ok(Some(text))
    }

    fn block(&mut self, entry: &Entry, block: Embedded) {
        if let (Value::At(at), Ok(size)) = (entry.value, usize::try_from(entry.size)) {
            self.out.blocks.push((block, at, size));
        }
    }

    /// Puts the directories that an entry points to on the list.
    fn pointer(&mut self, from: Pending, entry: &Entry, directory: Directory) -> Result<(), Fault> {
        let most = match directory {
            Directory::Sub | Directory::Profile => SUBS_MAX,
            _ => 1,
        };
        let Pending { base, order, .. } = from;
        let kind = entry.kind;
        let first = Entry { size: entry.size.min((most * kind.size()) as u64), ..*entry };
        let Some(bytes) = self.bytes(&first, BLOCK_BYTES_MAX)? else {
            return Ok(());
        };
        let offsets: Vec<u64> = Raw { kind, bytes, order }.offsets().take(most).collect();
        for (number, offset) in (0..).zip(offsets) {
            let Some(at) = base.checked_add(offset) else {
                continue;
            };
            let place = Place::behind(directory, number);
            let mut pending = Pending { place, at, base, order, is_linked: false };
            if directory == Directory::Profile {
                let Some(header) = Header::of_profile(self.input.at_most(at, 8)?) else {
                    continue;
                };
                let Some(first) = at.checked_add(header.first) else {
                    continue;
                };
                pending = Pending { at: first, base: at, order: header.order, ..pending };
            }
            self.push(pending);
        }
        Ok(())
    }

    /// Puts the directory that the link behind the entries leads to on the list.
    fn follow(&mut self, from: Pending, count: usize) {
        let Pending { place, base, order, .. } = from;
        let link = count * self.sizes().entry;
        let offset = match self.is_big {
            true => order.u64(&self.entries, link),
            false => order.u32(&self.entries, link).map(u64::from),
        };
        let at = offset.filter(|&offset| offset >= 8).and_then(|offset| base.checked_add(offset));
        if let (Some(at), Some(next)) = (at, place.next()) {
            self.push(Pending { place: next, at, base, order, is_linked: true });
        }
    }

    /// The list is no longer than what the limit of directories lets be read of it, and one more.
    fn push(&mut self, pending: Pending) {
        if pending.at < self.input.size() && self.pending.len() <= IFDS_MAX {
            self.pending.push_back(pending);
        }
    }
}

fn too_long() -> Fault {
    Fault::limit("an EXIF value is longer than allowed", format!("{VALUE_BYTES_MAX} bytes"))
}
