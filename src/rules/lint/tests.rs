//! Lints: what each says, and of what it says nothing.
#![allow(clippy::disallowed_methods, reason = "it measures how long linting takes")]

use std::fmt::Write as _;
use std::time::Duration;

use super::covered::{FILED_MAX, PATHS_MAX};
use super::keys::SEARCHED_MAX;
use super::mounts::SHOWN_MAX;
use super::never::COMPARED_MAX;
use crate::cpu_time::cpu_time_of;
use crate::diagnostic::{Code, SourceFile};
use crate::model::mount::Mount;
use crate::model::path::LogicalPath;
use crate::model::tenant::Tenant;
use crate::rules::{Loaded, load};

/// One rule: a target (a path at one host, or a URL), and further lines.
fn rule(name: &str, target: &str, lines: &str) -> String {
    let url = if target.contains("://") { target.to_owned() } else { format!("http://127.0.0.1/{target}") };
    format!("[[subscription]]\nname = '{name}'\ncallback = '{url}'\n{lines}\n")
}

fn loaded(text: &str) -> Loaded {
    let loaded = load(&[SourceFile { name: "a.toml".into(), text: text.as_bytes().into() }]);
    assert!(loaded.set.is_some(), "{text}\n{:#?}", loaded.diagnostics);
    loaded
}

/// `CODE text that is marked`, in the order of places.
#[track_caller]
fn check(text: &str, expect: &[(Code, &str)]) {
    let loaded = loaded(text);
    let found: Vec<_> = loaded.diagnostics.iter().map(|d| (d.code, &text[d.span.clone()])).collect();
    assert_eq!(found, expect, "{text}");
}

#[test]
fn clauses_that_contradict_each_other_under_and() {
    let both = |clauses: &str, operand: &str| {
        rule("a", "a", &format!("watchMetadata = [{clauses}]\nlogicalOperand = '{operand}'"))
    };
    for (clauses, marked) in [
        ("'K!=*', 'K==v'", Some("'K==v'")),
        ("'K==v', 'L==x', 'K!=*'", Some("'K!=*'")),
        ("'K>5', 'K!=*'", Some("'K!=*'")),
        ("'K==v', 'K!=v'", Some("'K!=v'")),
        ("'K=~a', 'K!~a'", Some("'K!~a'")),
        ("'K==v', 'K==w'", None),
        ("'K>5', 'K<3'", None),
        ("'K==v', 'K!=w'", None),
        ("'K!=*', 'L==v'", None),
        ("'K*!=*', 'K*==v'", None),
        ("'K!=*', '*==*'", None),
    ] {
        let expect: Vec<_> = marked.map(|marked| (Code::NeverTrue, marked)).into_iter().collect();
        check(&both(clauses, "AND"), &expect);
    }
    check(&both("'K!=*', 'K==v'", "OR"), &[]);
}

#[test]
fn rules_that_another_covers() {
    for (first, second, covered) in [
        ("watchPath = ['* /a']", "watchPath = ['+ /a/b', '~ /a/*.mov']", Some("'b'")),
        ("watchPath = ['+ /a/b']", "watchPath = ['* /a']", Some("'a'")),
        ("watchPath = ['* /a']", "watchPath = ['* /a']", Some("'b'")),
        ("watchPath = ['* /a/*.mov']", "watchPath = ['- /a/*.mov']", Some("'b'")),
        ("watchMetadata = ['K==v', 'L==w']", "watchMetadata = ['L==w', 'K==v']\nwatchPath = ['/a']", Some("'b'")),
        ("watchPath = ['/a']\nwatchMetadata = ['K==v']", "watchPath = ['/a/b']\nwatchMetadata = ['K==v']", Some("'b'")),
        ("watchPath = ['* /a']", "watchPath = ['* /a']\ntenant = 'acme'", Some("'b'")),
        ("watchPath = ['* /a']\ntenant = 'acme'", "watchPath = ['+ /a']", None),
        ("watchPath = ['* /a/']", "watchPath = ['* /a']", Some("'a'")),
        ("watchPath = ['+ /a']", "watchPath = ['* /a/b']", None),
        ("watchPath = ['* /a/b']", "watchPath = ['* /a/bc']", None),
        ("watchPath = ['* /a']", "watchPath = ['* /a']\nwatchMetadata = ['K==v']", None),
        ("watchMetadata = ['K==v']", "watchPath = ['* /a']\nwatchMetadata = ['K==v']", None),
        ("watchPath = ['/a']\nwatchMetadata = ['K==v']", "watchMetadata = ['K==w']", None),
        ("watchMetadata = ['K==v', 'L==w']", "watchMetadata = ['K==v', 'L==w']\nlogicalOperand = 'AND'", None),
        ("watchPath = ['* /a']\npaused = true", "watchPath = ['+ /a']", None),
        ("watchPath = ['* /a']", "watchPath = ['+ /a']\nheader = ['X-A: b']", None),
        ("watchPath = ['* /a']", "watchPath = ['+ /a']\nformat = 'cloudevents-batch'", None),
    ] {
        let text = rule("a", "x", first) + &rule("b", "x", second);
        // Without being covered it still is the same target.
        let mut expect = vec![(Code::DuplicateTarget, "'http://127.0.0.1/x'")];
        match covered {
            Some("'a'") => expect.insert(0, (Code::Covered, "'a'")),
            Some(marked) => expect = vec![(Code::Covered, marked)],
            None => {}
        }
        check(&text, &expect);
    }
    check(&(rule("a", "x", "watchPath = ['* /a']") + &rule("b", "y", "watchPath = ['* /a']")), &[]);
    check(&(rule("a", "x", "watchPath = ['* /a']") + &rule("b", "x", "method = 'PUT'\nwatchPath = ['* /a']")), &[]);
}

/// Past the limits a rule is not said to be covered, or to be impossible, which it is.
#[test]
fn rules_are_compared_up_to_the_limits() {
    let same_target = (Code::DuplicateTarget, "'http://127.0.0.1/x'");
    let covered = (Code::Covered, "'b'");
    let list = |clauses: &mut dyn Iterator<Item = String>| clauses.collect::<Vec<_>>().join(", ");
    for (count, expect) in [(PATHS_MAX, covered), (PATHS_MAX + 1, same_target)] {
        let paths = format!("watchPath = [{}]", list(&mut (0..count).map(|n| format!("'* /a/{n}'"))));
        let last = format!("watchPath = ['* /a/{}/d']", count - 1);
        check(&(rule("a", "x", &paths) + &rule("b", "x", &last)), &[expect]);
        check(&(rule("a", "x", "watchPath = ['* /a']") + &rule("b", "x", &paths)), &[expect]);
    }
    for lines in ["watchPath = ['* /a']", "when = 'path like \"/a/**\"'"] {
        for (paused, is_covered) in [(FILED_MAX - 1, true), (FILED_MAX, false)] {
            let mut text: String =
                (0..paused).map(|n| rule(&format!("p{n}"), "x", &format!("{lines}\npaused = true"))).collect();
            text += &(rule("c", "x", lines) + &rule("b", "x", lines));
            let found = loaded(&text).diagnostics;
            let of_b = found.iter().any(|d| (d.code, &text[d.span.clone()]) == covered);
            assert_eq!(of_b, is_covered, "{text}");
        }
    }
    for (others, expect) in [(COMPARED_MAX, Some("'K==x'")), (COMPARED_MAX + 1, None)] {
        let clauses = list(&mut (1..others).map(|n| format!("'K!={n}'")));
        let text = rule("a", "a", &format!("watchMetadata = [{clauses}, 'K!=x', 'K==x']\nlogicalOperand = 'AND'"));
        check(&text, &expect.map(|marked| (Code::NeverTrue, marked)).into_iter().collect::<Vec<_>>());
    }
}

#[test]
fn mounts_are_named_up_to_the_limit() {
    let text = rule("a", "a", "watchPath = ['* /acne']");
    for (count, more) in [(SHOWN_MAX, ""), (SHOWN_MAX + 1, " and 1 more")] {
        let path = |n: usize| LogicalPath::parse(format!("/m{n}").as_bytes()).expect("a path");
        let mounts: Vec<_> = (0..count).map(|n| Mount::new(path(n), "/srv".into())).collect();
        let mut loaded = loaded(&text);
        loaded.lint_mounts(&mounts);
        let named: Vec<_> = (0..SHOWN_MAX).map(|n| format!("/m{n}")).collect();
        let help = format!("logical paths begin with a mount's path; mounted: {}{more}", named.join(", "));
        assert_eq!(loaded.diagnostics.iter().map(|d| d.help.clone()).collect::<Vec<_>>(), [Some(help)]);
    }
}

#[test]
fn so_many_unknown_keys_are_searched_for() {
    for (others, is_found) in [(SEARCHED_MAX - 1, true), (SEARCHED_MAX, false)] {
        let mut text: String = (0..others)
            .map(|n| rule(&format!("o{n}"), &format!("o{n}"), &of_key(&format!("XMP_Zqxwvk{n}zzzz"))))
            .collect();
        text += &rule("mistyped", "m", &of_key("XMP_Ratign"));
        let found = loaded(&text).diagnostics;
        let mistyped = found.iter().find(|d| d.code == Code::UnknownMetadataKey);
        let help = mistyped.and_then(|d| d.help.as_deref());
        assert_eq!(help, is_found.then_some("did you mean `XMP_Rating`?"), "{others}");
    }
}

fn of_key(key: &str) -> String {
    format!("watchMetadata = ['{key}==5']")
}

#[test]
fn targets_that_are_not_safe_to_call() {
    for (url, code) in [
        ("http://media.example.org/hook", Some(Code::PlainHttp)),
        ("http://8.8.8.8/", Some(Code::PlainHttp)),
        ("https://media.example.org/hook", None),
        ("http://10.0.0.1/", None),
        ("http://localhost:8080/", None),
        ("http://169.254.169.254/latest", Some(Code::LinkLocal)),
        ("https://[fe80::1]/", Some(Code::LinkLocal)),
    ] {
        let marked = format!("'{url}'");
        let expect: Vec<_> = code.map(|code| (code, marked.as_str())).into_iter().collect();
        check(&rule("a", url, "watchPath = ['* /a']"), &expect);
    }
}

#[test]
fn rules_that_match_everything() {
    for (lines, marked) in [
        ("watchPath = ['+ /a', '* /']", Some("'* /'")),
        ("watchPath = ['* /**']", Some("'* /**'")),
        ("watchMetadata = ['*==*']", Some("'*==*'")),
        ("watchPath = ['/']\nwatchMetadata = ['K==v', '*==*']", Some("'*==*'")),
        ("watchPath = ['+ /']", None),
        ("watchPath = ['/a']\nwatchMetadata = ['*==*']", None),
        ("watchMetadata = ['*==*', 'K==v']\nlogicalOperand = 'AND'", None),
        ("watchPath = ['* /']\ntenant = 'acme'", None),
    ] {
        let expect: Vec<_> = marked.map(|marked| (Code::MatchesEverything, marked)).into_iter().collect();
        check(&rule("a", "a", lines), &expect);
    }
}

#[test]
fn paths_and_tenants_that_no_mount_has() {
    let mount = |path: &str, tenant: Option<&str>| {
        let path = LogicalPath::parse(path.as_bytes()).expect("a path");
        let tenant = tenant.map(|tenant| Tenant::parse(tenant).expect("a tenant"));
        Mount { tenant, ..Mount::new(path, "/srv".into()) }
    };
    let mounts = [mount("/acme/media", Some("acme")), mount("/b", None)];
    for (lines, marked) in [
        ("watchPath = ['* /acme']", None),
        ("watchPath = ['* /acme/media/dailies']", None),
        ("watchPath = ['* /acne']", Some("'* /acne'")),
        ("watchPath = ['* /acme/mediator', '* /b']", Some("'* /acme/mediator'")),
        ("watchPath = ['+ /acme/med*']", None),
        ("watchPath = ['+ /acme/media/*.mov']", None),
        ("watchPath = ['+ /acme/mad*']", Some("'+ /acme/mad*'")),
        ("watchPath = ['+ /acme/mediate*']", Some("'+ /acme/mediate*'")),
        ("watchPath = ['* /b']\ntenant = 'acme'", Some("'* /b'")),
        ("watchPath = ['* /b']\ntenant = 'acne'", Some("'acne'")),
    ] {
        let text = rule("a", "a", lines);
        let mut loaded = loaded(&text);
        assert!(loaded.diagnostics.is_empty(), "{text}");
        loaded.lint_mounts(&mounts);
        let found: Vec<_> = loaded.diagnostics.iter().map(|d| (d.code, &text[d.span.clone()])).collect();
        let expect: Vec<_> = marked.map(|marked| (Code::OutsideMounts, marked)).into_iter().collect();
        assert_eq!(found, expect, "{text}");
    }
    let mut at_root = loaded(&rule("a", "a", "watchPath = ['* /a', '+ /*.mov']"));
    at_root.lint_mounts(&[mount("/", None)]);
    assert_eq!(at_root.diagnostics, []);
}

/// However alike they look, the time grows with the number of rules and not with its square: 100,000 are linted in well
/// under a second, once the compiler optimises.
#[test]
fn a_large_set_is_linted_in_linear_time() {
    let alike: [fn(usize) -> (String, String); 3] = [
        |n| (format!("t{n}"), format!("watchPath = ['* /acme/{}/{n}']", n % 100)),
        |_| ("one".into(), "watchPath = ['* /acme/dailies']".into()),
        |n| {
            (
                "one".into(),
                format!("watchPath = ['+ /{}/{n}/*.mov', '/a']\nwatchMetadata = ['K==v']", "d/".repeat(n % 30)),
            )
        },
    ];
    for (which, of) in alike.iter().enumerate() {
        let mut text = String::new();
        for n in 0..10_000 {
            let (target, lines) = of(n);
            writeln!(text, "{}", rule(&format!("r{n}"), &target, &lines)).expect("memory");
        }
        let loaded = loaded(&text);
        let set = loaded.set.as_ref().expect("a set");
        let (found, took) = cpu_time_of(|| loaded.lints(set).len());
        // Without optimisation.
        assert!(took < Duration::from_secs(2), "set {which}: {found} warnings in {took:?}");
    }
}
