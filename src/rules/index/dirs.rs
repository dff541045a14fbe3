//! The directories that rules are filed under, each with a filter that says at once what is not asked below it.

use super::hash::Hashing;
use super::prefetch::prefetch;
use super::slab::{NONE, Slab};
use super::table::Table;
use super::texts::Texts;

/// Postings that a directory's filter tells apart, at most: filling a larger one anew would be a pause. With more it
/// lets everything through.
pub(super) const FILTERED_MAX: usize = 4_096;
/// Postings in a word of a filter, at most: with three bits each some 3 % of what is not there passes.
const IN_A_WORD: usize = 8;

/// All directories.
#[derive(Debug, Clone, Default)]
pub(super) struct Dirs {
    places: Slab<Dir>,
    table: Table,
    /// How many belong to a tenant.
    of_tenants: usize,
}

/// One directory, of one tenant or of all. What a probe reads of it lies in one cache line.
#[derive(Debug, Clone)]
#[repr(align(64))]
pub(super) struct Dir {
    path: u32,
    /// [`NONE`]: of all.
    tenant: u32,
    /// Another whose hash is the same.
    next: u32,
    /// How many postings are filed under it.
    uses: u32,
    /// The first of those that ask nothing but the path and the action.
    pub any: u32,
    /// The first of those that ask for any key.
    pub touch: u32,
    /// The lengths of path ends that are asked for, a bit each.
    pub suffixes: u64,
    filter: Filter,
}

const _: () = assert!(size_of::<Dir>() == 64);

/// A directory above a path, or the path itself.
#[derive(Debug, Clone, Copy)]
pub(super) struct Above {
    pub dir: u32,
    pub itself: bool,
}

/// One of a path's beginnings, while its directory is looked for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Level {
    hash: u64,
    tenant: u32,
    /// The first of those whose hash is the same.
    head: u32,
    /// Where it ends in the path.
    end: usize,
    itself: bool,
}

/// Says of most of what is not asked that it is not.
#[derive(Debug, Clone)]
struct Filter {
    /// Bits of what is asked. One word of ones lets everything through.
    words: Box<[u64]>,
    members: Members,
}

/// By whom it is asked, so that a filter can be filled anew.
#[derive(Debug, Clone, Default)]
enum Members {
    #[default]
    Nobody,
    /// Some may be gone, or stand for others by now.
    #[expect(clippy::box_collection, reason = "a directory fits into a line of memory")]
    These(Box<Vec<u32>>),
    /// So many that they are not kept.
    TooMany,
}

impl Default for Dir {
    fn default() -> Self {
        let filter = Filter { words: Box::default(), members: Members::Nobody };
        Self { path: NONE, tenant: NONE, next: NONE, uses: 0, any: NONE, touch: NONE, suffixes: 0, filter }
    }
}

impl Dir {
    /// Whether something with this hash may be asked below it.
    #[inline]
    pub(super) fn may_ask(&self, hash: u64) -> bool {
        let (words, bits) = (self.filter(), bits(hash));
        words.get(word(hash, words.len())).is_some_and(|word| word & bits == bits)
    }

    /// The filter's words; none where nothing was asked yet.
    #[inline]
    pub(super) fn filter(&self) -> &[u64] {
        &self.filter.words
    }

    /// Notes that something is asked. Where the filter is full, `hash_of` gives the hash of each posting that is still
    /// asked here, and it is filled anew.
    pub(super) fn note(&mut self, posting: u32, hash: u64, hash_of: impl Fn(u32) -> Option<u64>) {
        let Filter { words, members: kept } = &mut self.filter;
        if matches!(kept, Members::Nobody) {
            *kept = Members::These(Box::default());
        }
        let Members::These(members) = kept else { return };
        members.push(posting);
        if members.len() > words.len() * IN_A_WORD {
            // A place that was used again is there twice.
            members.sort_unstable();
            members.dedup();
            members.retain(|member| *member == posting || hash_of(*member).is_some());
            if members.len() > FILTERED_MAX {
                *words = [u64::MAX].into();
                *kept = Members::TooMany;
                return;
            }
            let size = (members.len() * 2 / IN_A_WORD).max(1).next_power_of_two();
            *words = vec![0; size].into();
            for hash in members.iter().filter_map(|member| hash_of(*member)) {
                words[word(hash, size)] |= bits(hash);
            }
        }
        let size = words.len();
        words[word(hash, size)] |= bits(hash);
    }
}

/// The word of a filter of so many that tells of a hash.
#[inline]
pub(super) fn word(hash: u64, words: usize) -> usize {
    (hash >> 40) as usize & words.wrapping_sub(1)
}

/// The bits there that are all set where something with the hash was noted.
#[inline]
pub(super) fn bits(hash: u64) -> u64 {
    1 << (hash & 63) | 1 << (hash >> 6 & 63) | 1 << (hash >> 12 & 63)
}

impl Dirs {
    #[inline]
    pub(super) fn get(&self, dir: u32) -> &Dir {
        self.places.get(dir)
    }

    #[inline]
    pub(super) fn get_mut(&mut self, dir: u32) -> &mut Dir {
        self.places.get_mut(dir)
    }

    /// Whether any rule is only for one tenant.
    pub(super) fn has_tenants(&self) -> bool {
        self.of_tenants > 0
    }

    /// A directory's number; it is used once more from now on.
    pub(super) fn take(&mut self, hashing: &Hashing, texts: &mut Texts, tenant: Option<&str>, path: &[u8]) -> u32 {
        let tenant = tenant.map_or(NONE, |tenant| texts.take(hashing, tenant.as_bytes()));
        let hash = hash_of(hashing, texts, tenant, path);
        if let Some(dir) = self.find(texts, hash, tenant, path) {
            self.places.get_mut(dir).uses += 1;
            if tenant != NONE {
                texts.give_back(hashing, tenant);
            }
            return dir;
        }
        let (path, next) = (texts.take(hashing, path), self.table.get(hash));
        let dir = self.places.insert(Dir { path, tenant, next, uses: 1, ..Dir::default() });
        self.table.set(hash, dir);
        self.of_tenants += usize::from(tenant != NONE);
        dir
    }

    /// A directory is used once less; without a use it goes.
    pub(super) fn give_back(&mut self, hashing: &Hashing, texts: &mut Texts, dir: u32) {
        let entry = self.places.get_mut(dir);
        entry.uses -= 1;
        if entry.uses > 0 {
            return;
        }
        let Dir { path, tenant, next, .. } = self.places.remove(dir);
        let hash = hash_of(hashing, texts, tenant, texts.get(path));
        self.table.take_out(hash, (dir, next), &mut self.places, |entry| &mut entry.next);
        texts.give_back(hashing, path);
        if tenant != NONE {
            texts.give_back(hashing, tenant);
            self.of_tenants -= 1;
        }
    }

    /// Begins to look for the directories above a path that rules are filed under, and the path itself, of one tenant
    /// or ([`NONE`]) of all. It goes in stages, so that none waits for another's memory: [`Dirs::above`] ends it.
    pub(super) fn look_above(
        &self,
        hashing: &Hashing,
        texts: &Texts,
        tenant: u32,
        path: &[u8],
        levels: &mut Vec<Level>,
    ) {
        let mut hash = top(hashing, texts, tenant);
        let mut level = |hash, end, itself| {
            self.table.prefetch(hash);
            levels.push(Level { hash, tenant, head: NONE, end, itself });
        };
        level(hash, 1, false);
        let mut from = 1;
        while from < path.len() {
            let length = path[from..].iter().position(|&b| b == b'/');
            let end = length.map_or(path.len(), |length| from + length);
            hash = below(hashing, hash, &path[from..end]);
            level(hash, end, length.is_none());
            from = end + 1;
        }
    }

    /// The directories that were looked for.
    pub(super) fn above(&self, texts: &Texts, path: &[u8], levels: &mut Vec<Level>, out: &mut Vec<Above>) {
        levels.retain_mut(|level| {
            level.head = self.table.get(level.hash);
            self.places.at(level.head).map(prefetch).is_some()
        });
        for level in &*levels {
            let dir = self.places.get(level.head);
            texts.prefetch(dir.path);
            // What a change asks is spread all over the filter; a line of memory has eight words.
            dir.filter().chunks(8).take(16).for_each(|line| prefetch(&line[0]));
        }
        for level in &*levels {
            let path = &path[..level.end];
            if let Some(dir) = self.of_list(texts, level.head, level.tenant, path) {
                out.push(Above { dir, itself: level.itself });
            }
        }
    }

    /// The number of a directory by its hash and, to be sure, its path.
    fn find(&self, texts: &Texts, hash: u64, tenant: u32, path: &[u8]) -> Option<u32> {
        self.of_list(texts, self.table.get(hash), tenant, path)
    }

    #[inline]
    fn of_list(&self, texts: &Texts, head: u32, tenant: u32, path: &[u8]) -> Option<u32> {
        let mut at = head;
        while at != NONE {
            let dir = self.places.get(at);
            if dir.tenant == tenant && texts.get(dir.path) == path {
                return Some(at);
            }
            at = dir.next;
        }
        None
    }
}

/// The hash of a tenant's top directory.
#[inline]
fn top(hashing: &Hashing, texts: &Texts, tenant: u32) -> u64 {
    const TOP: u64 = 0x5851_F42D_4C95_7F2D;
    match tenant {
        NONE => hashing.pair(TOP, 0),
        tenant => hashing.text(TOP, texts.get(tenant)),
    }
}

/// The hash of a directory by that of the one above.
#[inline]
fn below(hashing: &Hashing, above: u64, name: &[u8]) -> u64 {
    hashing.text(above, name)
}

fn hash_of(hashing: &Hashing, texts: &Texts, tenant: u32, path: &[u8]) -> u64 {
    let names = path.split(|&b| b == b'/').filter(|name| !name.is_empty());
    names.fold(top(hashing, texts, tenant), |above, name| below(hashing, above, name))
}
