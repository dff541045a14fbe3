//! The metadata boxes of movies: a handler, keys, and a list of items (QuickTime File Format, "Metadata"; iTunes).

use std::borrow::Cow;

use super::boxes::{Header, Walk};
use super::{ilst, keys};
use crate::metadata::containers::endian::{be32, code};
use crate::metadata::containers::extent::Extent;
use crate::metadata::fault::Fault;

/// Where the boxes of a `meta` box begin: ISO BMFF gives it a version and flags, QuickTime does not.
///
/// # Errors
/// As the disk says.
pub fn boxes(walk: &mut Walk<'_, '_>, content: Extent) -> Result<Extent, Fault> {
    let head = content.head(walk.input, 8)?;
    let is_plain = code(head, 4) == Some(*b"hdlr") || be32(head, 0).is_some_and(|version| version != 0);
    Ok(Extent { begin: if is_plain { content.begin } else { content.begin.saturating_add(4) }, ..content })
}

/// Reads the metadata of a movie.
///
/// # Errors
/// As the walk says.
pub fn read(walk: &mut Walk<'_, '_>, content: Extent) -> Result<(), Fault> {
    let content = boxes(walk, content)?;
    let (mut key_names, mut items): (Option<Vec<Cow<'static, str>>>, Option<Header>) = (None, None);
    let mut at = content.begin;
    while let Some(child) = walk.child(at, content)? {
        match &child.kind {
            b"keys" => key_names = Some(keys::names(walk, child.content)?),
            b"ilst" => items = Some(child),
            _ => {}
        }
        at = child.content.end;
    }
    match (items, key_names) {
        (Some(items), Some(names)) => keys::read(walk, items.content, &names),
        (Some(items), None) => ilst::read(walk, items.content),
        (None, _) => Ok(()),
    }
}
