//! What is asked of a list: a page of it, what is to be left out, and in which order. Whatever cannot be read of a
//! filter or of an order is passed over, as the text's own API does.

use serde_json::{Value, json};

use crate::model::registered::{Comparison, Filter, FilterValue, RegisteredKey};
use crate::model::time::Wall;

/// So many filters count, and further ones are passed over.
const FILTERS: usize = 16;

/// Rows of a page unless said, and at most.
const SIZE: u64 = 25;
const SIZE_MAX: u64 = 100;

/// A filter: what of a row is compared, how, and with what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wanted {
    pub key: String,
    pub comparison: Comparison,
    pub value: String,
}

/// A question for a list.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Listing {
    pub number: u64,
    pub size: u64,
    pub wanted: Vec<Wanted>,
    /// Names, and whether each falls.
    pub order: Vec<(String, bool)>,
}

impl Listing {
    pub(super) fn read(query: Option<&str>) -> Self {
        let mut listing = Self { number: 1, size: SIZE, wanted: Vec::new(), order: Vec::new() };
        for (name, value) in url::form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
            match name.as_ref() {
                "page[number]" => listing.number = value.parse().ok().filter(|number| *number > 0).unwrap_or(1),
                "page[size]" => {
                    listing.size = value.parse().ok().filter(|size| *size > 0).unwrap_or(SIZE).min(SIZE_MAX);
                }
                // A plus sign in a query is a space.
                "sort" => listing.order.extend(value.split(',').map(|name| {
                    let name = name.trim();
                    (name.trim_start_matches(['+', '-']).to_owned(), name.starts_with('-'))
                })),
                name => {
                    let key = name.strip_prefix("filter[").and_then(|rest| rest.strip_suffix(']'));
                    listing.wanted.extend(key.into_iter().flat_map(|key| wanted(key, &value)));
                }
            }
        }
        listing
    }

    pub(super) fn offset(&self) -> u64 {
        (self.number - 1).saturating_mul(self.size)
    }

    /// The five counts of a page.
    pub(super) fn pagination(&self, total: u64) -> Value {
        let pages = total.div_ceil(self.size).max(1);
        json!({
            "current_page": self.number,
            "next_page": (self.number < pages).then_some(self.number + 1),
            "prev_page": (self.number > 1).then(|| (self.number - 1).min(pages)),
            "total_pages": pages,
            "total_count": total,
        })
    }

    pub(super) fn registration_filters(&self) -> Vec<Filter> {
        let filter = |Wanted { key, comparison, value }: &Wanted| {
            let key = key_of(key).filter(|key| matches!(key, RegisteredKey::Created | RegisteredKey::Updated))?;
            let value = FilterValue::Number(Wall::parse(value)?.0);
            // A time has no text in it: what contains a time is that time.
            let comparison = if *comparison == Comparison::Contains { Comparison::Equal } else { *comparison };
            Some(Filter { key, comparison, value })
        };
        self.wanted.iter().filter_map(filter).take(FILTERS).collect()
    }

    pub(super) fn registration_order(&self) -> Vec<(RegisteredKey, bool)> {
        let mut order: Vec<(RegisteredKey, bool)> = Vec::new();
        for (key, falls) in self.order.iter().filter_map(|(name, falls)| Some((key_of(name)?, *falls))) {
            // What is ordered by a key once is not ordered otherwise by it again.
            if order.iter().all(|(known, _)| *known != key) {
                order.push((key, falls));
            }
        }
        order
    }
}

fn key_of(name: &str) -> Option<RegisteredKey> {
    match name {
        "created_at" => Some(RegisteredKey::Created),
        "updated_at" => Some(RegisteredKey::Updated),
        "url" => Some(RegisteredKey::Asked("url")),
        "id" => Some(RegisteredKey::Id),
        _ => None,
    }
}

/// The comparisons of one filter: `OP value`, or `BETWEEN a b`.
fn wanted(key: &str, text: &str) -> Vec<Wanted> {
    let of = |comparison, value: &str| Wanted { key: key.to_owned(), comparison, value: value.trim().to_owned() };
    let Some((operator, value)) = text.trim().split_once(' ') else { return Vec::new() };
    match operator {
        "EQ" => vec![of(Comparison::Equal, value)],
        "NOT" => vec![of(Comparison::Different, value)],
        "LT" => vec![of(Comparison::Less, value)],
        "GT" => vec![of(Comparison::Greater, value)],
        "CONTAINS" => vec![of(Comparison::Contains, value)],
        "BETWEEN" => match value.trim().split_once([' ', ',']) {
            Some((from, to)) => vec![of(Comparison::AtLeast, from), of(Comparison::AtMost, to)],
            None => Vec::new(),
        },
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::{Comparison, Listing, Wanted};

    #[test]
    fn a_page_is_counted_from_one() {
        let listing = Listing::read(Some("page%5Bnumber%5D=3&page[size]=10"));
        assert_eq!((listing.number, listing.size, listing.offset()), (3, 10, 20));
        let page = listing.pagination(25);
        assert_eq!(
            page.to_string(),
            r#"{"current_page":3,"next_page":null,"prev_page":2,"total_count":25,"total_pages":3}"#
        );
        assert_eq!(Listing::read(None).pagination(0)["total_pages"], 1);
        for odd in ["page[size]=101", "page[size]=100"] {
            assert_eq!(Listing::read(Some(odd)).size, 100, "{odd}");
        }
        for odd in ["page[size]=0", "page[size]=x", "page[number]=0", "page[number]=-1", "sort=&x=1"] {
            let listing = Listing::read(Some(odd));
            assert_eq!((listing.number, listing.size), (1, 25), "{odd}");
        }
    }

    #[test]
    fn filters_and_orders_are_read_and_what_is_malformed_is_passed_over() {
        let listing = Listing::read(Some(
            "filter[created_at]=GT+2026-01-01T00:00:00Z&filter[x]=BETWEEN+a+b&filter[y]=ODD+a&filter[z]&sort=+url,-id",
        ));
        let of = |key: &str, comparison, value: &str| Wanted { key: key.into(), comparison, value: value.into() };
        assert_eq!(
            listing.wanted,
            [
                of("created_at", Comparison::Greater, "2026-01-01T00:00:00Z"),
                of("x", Comparison::AtLeast, "a"),
                of("x", Comparison::AtMost, "b"),
            ]
        );
        assert_eq!(listing.order, [("url".to_owned(), false), ("id".to_owned(), true)]);
        assert_eq!((listing.registration_filters().len(), listing.registration_order().len()), (1, 2));
    }
}
