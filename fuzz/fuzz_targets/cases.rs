//! Any bytes as a file of `[[case]]`s about a few rules.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use ringback::diagnostic::SourceFile;
use ringback::model::time::Wall;
use ringback::rules::{RuleSet, cases, load};
use ringback_fuzz::check;

static RULES: LazyLock<RuleSet> = LazyLock::new(|| {
    let conditions = [
        ("dailies", "watchPath = ['* /dailies']"),
        ("five-stars-in-sfo", "watchMetadata = ['IPTC_City==SFO', 'Rating==5']\nlogicalOperand = 'AND'"),
        ("old", "when = 'mtime < 366d ago or size > 1GB or owner == ana or dir like \"/a/**\"'"),
        ("gone", "watchMetadata = ['K!=*', 'Date>2026-01', 'K=~^x']"),
        ("added", "events = ['asset.added']"),
    ];
    let rule = |(name, condition): &(&str, &str)| {
        format!("[[subscription]]\nname = '{name}'\ncallback = 'http://127.0.0.1:1/{name}'\n{condition}\n")
    };
    let text: String = conditions.iter().map(rule).collect();
    let loaded = load(&[SourceFile { name: "rules.toml".into(), text: text.into_bytes().into() }]);
    loaded.set.unwrap_or_else(|| panic!("{:#?}", loaded.diagnostics))
});

fuzz_target!(|bytes: &[u8]| {
    let files = [SourceFile { name: "a.toml".into(), text: bytes.into() }];
    let read = check::cheaply("reading", || cases::read(&files, &RULES, Wall(1_800_000_000_000)));
    check::diagnostics(&read.diagnostics, &files);
    for case in &read.cases {
        assert!(bytes.get(case.span.clone()).is_some());
        let fared = check::cheaply("running", || case.run(&RULES));
        assert_eq!(fared.passed(), fared.unexpected.is_empty() && fared.missing.is_empty());
    }
});
