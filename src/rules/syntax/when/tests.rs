//! Texts and what they are true of; texts and what is wrong with them.
#![allow(clippy::disallowed_methods, reason = "it measures how long reading takes")]

use std::time::Duration;

use proptest::prelude::*;

use super::{COMPARISONS_MAX, FAULTS_MAX, LENGTH_MAX, NESTING_MAX, REGEXES_MAX, parse};
use crate::cpu_time::cpu_time_of;
use crate::diagnostic::{Code, Severity, TextFault};
use crate::model::change::{Action, Change};
use crate::model::metadata::{KeyDelta, Metadata};
use crate::model::path::LogicalPath;
use crate::model::time::Wall;
use crate::rules::condition::{Expr, Keys, Predicate};
use crate::rules::eval::{Facts, Subject};

const DAY_MS: i64 = 86_400_000;
/// 2026-11-22T10:00:00Z.
const NOW_MS: i64 = 1_795_341_600_000;

/// Whether an expression is true of a modification of `/acme/day1/a.mov`: 2 GB, two days old, Ana's, in the mount
/// `/acme`. This change gave it `Rating=4`; `City` and `Title[de]` stood before, `Old` was removed.
fn fires(expr: &Expr) -> bool {
    fires_at("/acme/day1/a.mov", Some("zoom"), expr)
}

fn fires_at(path: &str, tenant: Option<&str>, expr: &Expr) -> bool {
    let values = |list: &[&str]| -> Vec<String> { list.iter().map(|value| (*value).to_owned()).collect() };
    let state: Metadata = [
        ("City", values(&["SFO", "San Francisco"])),
        ("Rating", values(&["4"])),
        ("Title[de]", values(&["Caf\u{e9}"])),
        ("Shot", values(&["2026-11-20T08:00:00+01:00"])),
        ("a b", values(&["x*y"])),
        ("Unc", values(&["C:\\media\\a"])),
        ("Empty", values(&[""])),
        ("Link", values(&["http://zen//a.mov"])),
    ]
    .map(|(key, values)| (key.to_owned(), values))
    .into();
    let delta = vec![
        KeyDelta { key: "Old".into(), old: values(&["1"]), new: Vec::new(), source: None },
        KeyDelta { key: "Rating".into(), old: Vec::new(), new: values(&["4"]), source: None },
    ];
    let change = Change {
        time: Wall(NOW_MS),
        owner: "ana".into(),
        ..Change::of_some_asset(path.as_bytes(), Action::Modified, delta)
    };
    let mount = LogicalPath::parse(b"/acme").expect("a path");
    let facts = Facts { size: 2_000_000_000, mtime_ns: (NOW_MS - 2 * DAY_MS) * 1_000_000, mount: &mount, tenant };
    Subject::new(&change, &state, facts).fires(expr)
}

#[track_caller]
fn read(text: &str) -> Expr {
    let mut faults = Vec::new();
    let expr = parse(text, &mut faults);
    assert_eq!(faults, [], "{text}");
    expr.unwrap_or_else(|| panic!("{text} is an expression"))
}

#[test]
fn expressions_are_true_of_what_they_say() {
    for (text, expect) in [
        // Keys, on the asset as it stands.
        ("City == SFO", true),
        ("City = SFO", true),
        ("City==SFO", true),
        ("City == sfo", false),
        ("City == \"San Francisco\"", true),
        ("City == San*", true),
        ("City == \"San*\"", false),
        ("City != SFO", false),
        ("City != LAX", true),
        ("Missing != LAX", false),
        ("not Missing == LAX", true),
        ("City == *", true),
        ("City != *", false),
        ("Missing == *", false),
        ("Missing != *", true),
        ("Old != *", true),
        ("Empty == \"\"", true),
        ("Empty == *", true),
        ("C* == SFO", true),
        ("\"C*\" == SFO", false),
        ("* == 4", true),
        ("\"a b\" == x\\*y", true),
        ("\"a b\" == \"x*y\"", true),
        ("\"a b\" == xz\\*y", false),
        ("\"a b\" == x\\\\*", false),
        ("Unc == C:\\\\media\\\\*", true),
        ("Unc == C:\\\\media\\*", false),
        ("Unc == C:\\\\media\\\\a", true),
        ("Unc in (x, C:\\\\media\\\\a)", true),
        ("\"City\" == SFO", true),
        ("\"size\" == 4", false),
        ("Title[de] == Cafe\u{301}", true),
        ("Title[de] == \"Cafe\u{301}\"", true),
        ("Title[de] =~ \"^Cafe\u{301}$\"", true),
        ("Title[de] in (Cafe\u{301}, x)", true),
        ("Title[de] like \"Cafe\u{301}\"", true),
        ("Rating >= 4", true),
        ("Rating > 4", false),
        ("Rating < 4.0001", true),
        ("Rating <= -1", false),
        ("City < 5", false),
        ("Shot < 2026-11-20T07:30:00Z", true),
        ("Shot >= 2026-11-20T08:00:00+01:00", true),
        ("Shot > 2026-11", true),
        ("City =~ \"^S.*o$\"", true),
        ("City =~ \"^s.*o$\"", false),
        ("City =~ \"\\bFran\"", true),
        ("City !~ \"^L\"", true),
        ("City !~ \"^S\"", false),
        ("Missing !~ \"^S\"", false),
        ("City in (LAX, SFO)", true),
        ("City in (LAX, \"San Francisco\",)", true),
        ("City in (LAX)", false),
        ("City not in (LAX)", true),
        ("City not in (SFO)", false),
        ("Missing not in (SFO)", false),
        ("City like \"S?O\"", true),
        ("City like \"{LAX,SFO}\"", true),
        ("City not like \"S*\"", false),
        ("City like \"L*\"", false),
        ("Link like \"http://zen//*.mov\"", true),
        ("Link like \"http:/zen/*.mov\"", false),
        // The touch.
        ("touched(Rating)", true),
        ("touched( \"Rating\" )", true),
        ("touched(Old)", true),
        ("touched(City)", false),
        ("touched(R*)", true),
        ("touched(\"R*\")", false),
        ("touched(*)", true),
        // Actions.
        ("action == modified", true),
        ("action = added", false),
        ("action != added", true),
        ("action != modified", false),
        ("action in (added, modified)", true),
        ("action not in (added, modified)", false),
        ("not action == deleted", true),
        // Texts.
        ("path == /acme/day1/a.mov", true),
        ("path == \"//acme/day1//a.mov\"", true),
        ("path == /acme/*.mov", true),
        ("path == */a.mov", true),
        ("path == /acme/*.mxf", false),
        ("path != /acme/a.mov", true),
        ("path like \"/acme/**/*.mov\"", true),
        ("path like \"/acme/*.mov\"", false),
        ("path like \"///acme////day1/*.mov\"", true),
        ("path like /acme/**", true),
        ("path not like \"/zen/**\"", true),
        ("path like \"/acme/day1/a.mov\"", true),
        ("path =~ \"day[0-9]\"", true),
        ("path in (/a, /acme/day1/a.mov)", true),
        ("name == a.mov", true),
        ("name == *.mov", true),
        ("name like \"?.mov\"", true),
        ("ext == mov", true),
        ("ext != mov", false),
        ("ext in (mov, mxf)", true),
        ("ext not in (mov, mxf)", false),
        ("ext == *", true),
        ("ext != *", false),
        ("ext == m*", true),
        ("ext !~ m", false),
        ("dir == /acme/day1", true),
        ("dir == /acme/day1/", true),
        ("dir == /acme/*/", true),
        ("dir like \"/acme/*\"", true),
        ("dir in (/acme/day1/)", true),
        ("owner == ana", true),
        ("owner != ana", false),
        ("mount == /acme/", true),
        ("mount like \"/a*\"", true),
        ("tenant == zoom", true),
        ("tenant == *", true),
        // Sizes and times.
        ("size == 2GB", true),
        ("size = 2000000000", true),
        ("size != 2GB", false),
        ("size > 2 GB", false),
        ("size >= 2 GB and size < 2GiB", true),
        ("size <= \"1.5 GB\"", false),
        ("size > 1.5GB", true),
        ("mtime < 1d ago", true),
        ("mtime < 7d ago", false),
        ("mtime > 7 d ago", true),
        ("mtime <= 2d ago", true),
        ("mtime < 2d ago", false),
        ("mtime > \"7d\" ago and size > 0", true),
        ("mtime >= 2026-11-20", true),
        ("mtime < 2026-11-20T10:00:00Z", false),
        ("mtime <= 2026-11-20 10:00", true),
        // Connectives.
        ("not (City == SFO and Rating > 4) and (size == 0 or ext == mov)", true),
        ("action in (added, modified) and path like \"/acme/**/*.mov\" and not Rating < 3", true),
        ("not\nnot\tCity == SFO", true),
        ("City\u{a0}==\u{a0}SFO", true),
        ("((City == SFO))", true),
    ] {
        assert_eq!(fires(&read(text)), expect, "{text}");
    }
    assert!(!fires_at("/a", None, &read("tenant == *")));
    assert!(fires_at("/a", None, &read("tenant != * and ext != * and ext == \"\" and dir == /")));
}

#[test]
fn and_binds_closer_than_or_and_not_closer_than_and() {
    let (t, f) = ("City == SFO", "City == LAX");
    for (text, expect) in [
        (format!("{t} or {t} and {f}"), true),
        (format!("({t} or {t}) and {f}"), false),
        (format!("{f} and {f} or {t}"), true),
        (format!("{f} and ({f} or {t})"), false),
        (format!("not {f} and {f}"), false),
        (format!("not ({f} and {f})"), true),
        (format!("not {t} or {t}"), true),
        (format!("not ({t} or {t})"), false),
    ] {
        assert_eq!(fires(&read(&text)), expect, "{text}");
    }
}

#[test]
fn comparisons_keep_their_text_and_keys_their_form() {
    let Expr::All(parts) = read(" not ( size>1 ) and  City  ==  \"S F\"  and touched( Caf\u{65}\u{301} )") else {
        panic!("three parts")
    };
    let texts: Vec<&str> = parts
        .iter()
        .map(|part| match part {
            Expr::Not(inner) => match &**inner {
                Expr::Is(Predicate::Fact { text, .. }) => &**text,
                other => panic!("{other:?}"),
            },
            Expr::Is(Predicate::Holds(clause)) => &*clause.text,
            Expr::Is(Predicate::Touched { text, keys }) => {
                assert_eq!(*keys, Keys::One("Caf\u{e9}".into()));
                text
            }
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(texts, ["size>1", "City  ==  \"S F\"", "touched( Cafe\u{301} )"]);
}

/// The faults of a text, as code and place.
fn faults_of(text: &str) -> Vec<(Code, std::ops::Range<usize>)> {
    let mut faults: Vec<TextFault> = Vec::new();
    let expr = parse(text, &mut faults);
    let blocked = faults.iter().any(|fault| fault.severity == Severity::Error);
    assert_eq!(expr.is_none(), blocked, "{text}");
    assert!(faults.iter().all(|fault| fault.help.as_ref().is_some_and(|help| !help.is_empty())), "{faults:?}");
    faults.into_iter().map(|fault| (fault.code, fault.range)).collect()
}

#[test]
fn what_cannot_be_read_is_reported_at_its_place() {
    use Code::{BadDuration, BadGlob, BadPath, BadRegex, BadWhen, NotComparable, UnknownWord};
    for (text, expect) in [
        ("", &[(BadWhen, 0..0)][..]),
        ("  ", &[(BadWhen, 0..2)]),
        ("Rating", &[(BadWhen, 0..6)]),
        ("size and City == x", &[(BadWhen, 0..4)]),
        ("\"City\"", &[(BadWhen, 0..6)]),
        ("\"\" == x", &[(BadWhen, 0..2)]),
        ("Rating 4", &[(BadWhen, 0..6)]),
        ("== 4", &[(BadWhen, 0..2)]),
        ("City ==", &[(BadWhen, 5..7)]),
        ("City == and a == b", &[(BadWhen, 5..7)]),
        ("City == == x", &[(BadWhen, 5..10)]),
        ("City == (a, b)", &[(BadWhen, 8..9)]),
        ("City === SFO", &[(BadWhen, 5..8)]),
        ("Rating => 4", &[(BadWhen, 7..9)]),
        ("a == b && c == d", &[(BadWhen, 7..9)]),
        ("!(a == b)", &[(BadWhen, 0..1)]),
        ("a == b AND c == d", &[(BadWhen, 7..10)]),
        ("a == b OR NOT c == d", &[(BadWhen, 7..9), (BadWhen, 10..13)]),
        ("a IN (b)", &[(BadWhen, 2..4)]),
        ("TOUCHED(a)", &[(BadWhen, 0..7)]),
        ("a == b c == d", &[(BadWhen, 7..8)]),
        ("City == San Francisco", &[(BadWhen, 12..21)]),
        ("a == b == c", &[(BadWhen, 7..9)]),
        ("a == b and", &[(BadWhen, 7..10)]),
        ("and a == b", &[(BadWhen, 0..3)]),
        ("a == b and or c == d", &[(BadWhen, 11..13)]),
        ("not", &[(BadWhen, 0..3)]),
        ("in (a)", &[(BadWhen, 0..2)]),
        ("()", &[(BadWhen, 1..2)]),
        ("(a == b", &[(BadWhen, 0..1)]),
        ("a == b)", &[(BadWhen, 6..7)]),
        ("a == b) and c", &[(BadWhen, 6..7), (BadWhen, 12..13)]),
        ("a == \"b", &[(BadWhen, 5..7)]),
        ("a == 'b c'", &[(BadWhen, 5..10)]),
        ("a == \u{201c}b c\u{201d} and d", &[(BadWhen, 5..14), (BadWhen, 19..20)]),
        ("a == b\\d", &[(BadWhen, 5..8)]),
        ("a@b == $c and $ == x", &[(BadWhen, 0..3), (BadWhen, 7..9), (BadWhen, 14..15)]),
        ("touched", &[(BadWhen, 0..7)]),
        ("touched()", &[(BadWhen, 0..7)]),
        ("touched(a", &[(BadWhen, 0..7)]),
        ("touched(a, b) and c", &[(BadWhen, 9..10), (BadWhen, 18..19)]),
        ("City in a", &[(BadWhen, 5..7)]),
        ("City in ()", &[(BadWhen, 8..10)]),
        ("City in (a b)", &[(BadWhen, 11..12)]),
        ("City in (a,,b)", &[(BadWhen, 11..12)]),
        ("City in (a*, b)", &[(BadWhen, 9..11)]),
        ("City in (a", &[(BadWhen, 8..9)]),
        ("size > 1,000", &[(BadWhen, 8..9)]),
        ("a == b, c == d", &[(BadWhen, 6..7)]),
        // Values of the wrong type; the rest is read.
        ("Rating >= four and Date < 2026-02-30", &[(NotComparable, 10..14), (NotComparable, 26..36)]),
        ("Date < 7d ago", &[(BadWhen, 10..13)]),
        ("City =~ \"(\" or a", &[(BadRegex, 8..11), (BadWhen, 15..16)]),
        ("City like \"[\"", &[(BadGlob, 10..13)]),
        ("path like \"/a[\"", &[(BadGlob, 10..15)]),
        ("path like \"*.mov\"", &[(BadPath, 10..17)]),
        ("path like \"/a/../*\"", &[(BadPath, 10..19)]),
        ("path == a.mov", &[(BadPath, 8..13)]),
        ("path == a*", &[(BadPath, 8..10)]),
        ("dir == /a/../b", &[(BadPath, 7..14)]),
        ("dir == */./b", &[(BadPath, 7..12)]),
        ("mount in (/a, b)", &[(BadPath, 14..15)]),
        ("path == \"\"", &[(BadPath, 8..10)]),
        ("action == add", &[(UnknownWord, 10..13)]),
        ("action in (added, Modified)", &[(UnknownWord, 18..26)]),
        ("action > added", &[(BadWhen, 7..8)]),
        ("action like \"a*\"", &[(BadWhen, 7..11)]),
        ("ext > mov", &[(BadWhen, 4..5)]),
        ("size > big", &[(BadWhen, 7..10)]),
        ("size > 2gb", &[(BadWhen, 7..10)]),
        ("size > 1.0001KB", &[(BadWhen, 7..15)]),
        ("size > 99999999TB", &[(BadWhen, 7..17)]),
        ("size > -1", &[(BadWhen, 7..9)]),
        ("size in (1, 2)", &[(BadWhen, 5..7)]),
        ("size =~ 2", &[(BadWhen, 5..7)]),
        ("size > 2 Rating > 3", &[(BadWhen, 9..15)]),
        ("mtime == 2026-11-22", &[(BadWhen, 6..8)]),
        ("mtime < 7d", &[(BadWhen, 8..10)]),
        ("mtime < 7w ago", &[(BadDuration, 8..10)]),
        ("mtime < \"400d\" ago", &[(BadDuration, 8..14)]),
        ("mtime < yesterday", &[(NotComparable, 8..17)]),
        ("mtime < 2026-02-30", &[(NotComparable, 8..18)]),
    ] {
        assert_eq!(faults_of(text), expect, "{text}");
    }
}

#[test]
fn what_is_probably_not_meant_is_pointed_out() {
    use Code::{KeyLikeFact, NeverTrue, PartialDoubleStar};
    for (text, code, range) in [
        ("ext == .mov", NeverTrue, 7..11),
        ("ext == *.mov", NeverTrue, 7..12),
        ("ext == tar.gz", NeverTrue, 7..13),
        ("ext in (mov, .mxf)", NeverTrue, 13..17),
        ("ext like \".m?v\"", NeverTrue, 9..15),
        ("ext == a/b", NeverTrue, 7..10),
        ("name == day1/a.mov", NeverTrue, 8..18),
        ("name == */a.mov", NeverTrue, 8..15),
        ("name like \"*/a.mov\"", NeverTrue, 10..19),
        ("name == \"\"", NeverTrue, 8..10),
        ("path == /acme/", NeverTrue, 8..14),
        ("path like \"/acme/*/\"", NeverTrue, 10..20),
        ("size < 0B", NeverTrue, 5..9),
        ("path like \"/a/**.mov\"", PartialDoubleStar, 14..16),
        ("exts == mov", KeyLikeFact, 0..4),
        ("sizes > 2", KeyLikeFact, 0..5),
        ("pth == /a", KeyLikeFact, 0..3),
        ("not (time > 3)", KeyLikeFact, 5..9),
    ] {
        assert_eq!(faults_of(text), [(code, range)], "{text}");
    }
    for text in ["date > 2026-11", "make == Sony", "\"exts\" == mov", "touched(exts)", "Sizes > 2", "rating > 2"] {
        assert_eq!(faults_of(text), [], "{text}");
    }
}

#[test]
fn what_is_built_to_explode_is_refused() {
    for piece in ["(", "not ", ")", "a=b or ", "\"", "in ("] {
        assert_eq!(faults_of(&piece.repeat(100_000)), [(Code::BadWhen, LENGTH_MAX..piece.len() * 100_000)], "{piece}");
    }
    assert_eq!(faults_of(&"\u{e9}".repeat(LENGTH_MAX))[0].1.start, LENGTH_MAX);
    for piece in ["(", "not ", "not("] {
        let most = piece.repeat(LENGTH_MAX / piece.len());
        assert_eq!(faults_of(&most).len(), 1, "{piece}");
    }
    let nested = |depth: usize| format!("{}a == b{}", "(".repeat(depth), ")".repeat(depth));
    read(&nested(NESTING_MAX));
    assert_eq!(faults_of(&nested(NESTING_MAX + 1)), [(Code::BadWhen, NESTING_MAX..NESTING_MAX + 1)]);
    read(&format!("{}a == b", "not ".repeat(NESTING_MAX)));
    let joined = |piece: &str, count: usize| vec![piece; count].join(" or ");
    read(&joined("a=b", COMPARISONS_MAX));
    assert_eq!(faults_of(&joined("a=b", COMPARISONS_MAX + 1)), [(Code::BadWhen, 7_000..7_001)]);
    read(&joined("a=~b", REGEXES_MAX));
    assert_eq!(faults_of(&joined("a=~b", REGEXES_MAX + 1)).len(), 1);
    assert_eq!(faults_of(&"$ ".repeat(LENGTH_MAX / 2)).len(), FAULTS_MAX);
    // Many warnings do not hide what blocks.
    assert_eq!(faults_of(&format!("{} or $", joined("exts=b", 100))).len(), FAULTS_MAX);
    let list = format!("a in ({})", "b,".repeat(8_000));
    assert!(!fires(&read(&list)));
}

/// What stands behind a text in another kind of quotes is looked at once, and not again for each of them.
#[test]
fn many_texts_in_other_quotes_end_quickly() {
    for quotes in ["''", "'a'", "\u{201c}\u{201d}", "a''"] {
        let most = quotes.repeat(LENGTH_MAX / quotes.len());
        let (found, took) = cpu_time_of(|| faults_of(&most));
        assert_eq!(found[0].1, if quotes.starts_with('a') { 0..most.len() } else { 0..quotes.len() }, "{quotes}");
        // Without optimisation.
        assert!(took < Duration::from_millis(500), "{quotes}: {took:?}");
    }
}

/// Pieces of expressions, whole and broken, in any order.
fn pieces() -> impl Strategy<Value = String> {
    let known = prop::sample::select(vec![
        "and",
        "or",
        "not",
        "in",
        "like",
        "touched",
        "ago",
        "AND",
        "Or",
        "NOT",
        "IN",
        "(",
        "(",
        ")",
        ")",
        ",",
        "\"",
        "\"x\"",
        "\"/a/**\"",
        "==",
        "=",
        "!=",
        ">",
        ">=",
        "<",
        "=~",
        "!~",
        "!",
        "&&",
        "action",
        "path",
        "name",
        "ext",
        "dir",
        "size",
        "mtime",
        "owner",
        "mount",
        "tenant",
        "City",
        "exts",
        "added",
        "/a/../b",
        "/a/",
        "*",
        "a*",
        "\\*",
        "\\\\",
        "\\",
        "2GB",
        "1.5",
        "7d",
        "2026-11-22",
        "'",
        "\u{201c}",
        "\u{e9}",
        "e\u{301}",
        "\u{a0}",
        "$",
        "a == b",
        "touched(a)",
        "a in (b, c)",
    ]);
    let spaced =
        (known, prop::bool::weighted(0.8)).prop_map(|(piece, space)| piece.to_owned() + if space { " " } else { "" });
    prop::collection::vec(prop_oneof![12 => spaced, 1 => ".{0,3}"], 0..24).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn no_text_makes_the_reader_panic(text in pieces()) {
        for (_, range) in faults_of(&text) {
            prop_assert!(text.get(range.clone()).is_some(), "{:?} of {:?}", range, text);
        }
        if let Some(expr) = parse(&text, &mut Vec::new()) {
            fires(&expr);
        }
    }
}
