//! The commands that explain: why a rule fires or does not, how the admin's cases fare, what a code means.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::turns;

const RULES: &str = "\
[[subscription]]
name = 'dailies'
callback = 'http://127.0.0.1:1'
watchPath = ['* /d']

[[subscription]]
name = 'stars'
callback = 'http://127.0.0.1:1'
watchPath = ['/d']
watchMetadata = ['City==SFO', 'Rating>=4']
logicalOperand = 'AND'
";

/// A directory with rules and cases.
fn place(rules: &str, cases: &str) -> TempDir {
    let dir = tempfile::tempdir().expect("a directory");
    let turn = turns::writing();
    fs::create_dir_all(dir.path().join("rules/tests")).expect("directories");
    fs::write(dir.path().join("rules/a.toml"), rules).expect("written");
    if !cases.is_empty() {
        fs::write(dir.path().join("rules/tests/c.toml"), cases).expect("written");
    }
    drop(turn);
    dir
}

/// Runs a command in a directory: its exit code, standard output, standard error.
fn ringback(dir: &Path, words: &[&str]) -> (Option<i32>, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ringback"));
    command.args(words).current_dir(dir).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let turn = turns::starting();
    let child = command.spawn();
    drop(turn);
    let out = child.expect("the binary starts").wait_with_output().expect("it ends");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (out.status.code(), text(&out.stdout), text(&out.stderr))
}

/// What a command prints as JSON.
fn json_of(dir: &Path, words: &[&str], code: i32) -> Value {
    let (found, out, err) = ringback(dir, words);
    assert!(found == Some(code) && err.is_empty(), "{words:?}: {found:?} {out} {err}");
    serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {out}"))
}

#[test]
fn explain_says_which_rules_fire_and_why_not_the_others() {
    let dir = place(RULES, "");
    let explain = |words: &[&str]| {
        let (code, out, err) = ringback(dir.path(), &[&["explain", "--rules", "rules", "--path"], words].concat());
        assert!(code == Some(0) && err.is_empty(), "{words:?}: {code:?} {out} {err}");
        out
    };
    assert_eq!(
        explain(&["/d/a.mov", "--action", "added", "--set", "City=SFO"]),
        "fires  dailies  because * /d\n\
         no     stars    Rating>=4: Rating is absent\n\n\
         1 of 2 rules fires when /d/a.mov is added\n"
    );
    assert_eq!(
        explain(&["/d/a.mov", "--old", "City=SFO", "--set", "City=SFO", "--set", "Rating=5"]),
        "fires  stars    because Rating>=4\n\
         no     dailies  * /d: only metadata changed, and it watches what is added, modified, deleted\n\n\
         1 of 2 rules fires when the metadata of /d/a.mov changes so\n"
    );
    assert_eq!(
        explain(&["/e", "--old", "City=SFO"]),
        "no     dailies  * /d: /e is not at or below /d\n\
         no     stars    /d: /e is not at or below /d\n\n\
         none of 2 rules fires when the metadata of /e changes so\n"
    );
    let words =
        ["explain", "--rules", "rules/a.toml", "--path", "/d/a", "--set", "City=SFO", "--set", "City=LAX", "--json"];
    assert_eq!(
        json_of(dir.path(), &words, 0),
        json!({"rules": [
            {"name": "dailies", "fires": false, "failed": {
                "clause": "* /d", "why": "only metadata changed, and it watches what is added, modified, deleted"}},
            {"name": "stars", "fires": false, "failed": {"clause": "Rating>=4", "why": "Rating is absent"}},
        ]})
    );
    let fires =
        json_of(dir.path(), &["explain", "--rules", "rules", "--path", "/d/a", "--action", "deleted", "--json"], 0);
    assert_eq!(fires["rules"][0], json!({"name": "dailies", "fires": true, "because": "* /d"}));
}

#[test]
fn explain_takes_rules_and_mounts_from_the_configuration() {
    let dir = place(RULES, "");
    let configure = |text: &str| {
        let turn = turns::writing();
        fs::write(dir.path().join("ringback.toml"), text).expect("written");
        drop(turn);
    };
    let words = ["explain", "--config", "ringback.toml", "--path", "/d/a", "--action", "added"];
    configure("rules = 'rules'\n[[mount]]\npath = '/d'\ndir = 'store'\n");
    let (code, out, _) = ringback(dir.path(), &words);
    assert!(code == Some(0) && out.starts_with("fires  dailies") && !out.contains("note:"), "{code:?} {out}");
    configure("rules = 'rules'\n[[mount]]\npath = '/e'\ndir = 'store'\n");
    let (code, out, _) = ringback(dir.path(), &words);
    assert!(code == Some(0) && out.contains("note: /d/a lies in no mount of ringback.toml"), "{code:?} {out}");
    configure("rule = 'rules'\n");
    let (code, out, _) = ringback(dir.path(), &words);
    assert!(code == Some(1) && out.contains("did you mean `rules`?"), "{code:?} {out}");
    configure("[[mount]]\npath = '/e'\ndir = 'store'\n");
    let (code, _, err) = ringback(dir.path(), &words);
    assert!(code == Some(1) && err.contains("ringback.toml names no rules; give --rules"), "{code:?} {err}");
}

#[test]
fn explain_shows_faulty_rules_and_refuses_what_makes_no_sense() {
    let dir = place("subscriptions = []\n", "");
    let words = ["explain", "--rules", "rules", "--path", "/a"];
    let (code, out, _) = ringback(dir.path(), &words);
    assert!(code == Some(1) && out.contains("error[RB0003]") && out.contains("rules/a.toml:1:1"), "{code:?} {out}");
    let found = json_of(dir.path(), &[&words[..], &["--json"]].concat(), 1);
    assert!(found["rules"] == json!([]) && found["faults"][0]["code"] == "RB0003", "{found}");
    let more: [(&[&str], &str); 8] = [
        (&[], "--path"),
        (&["--path", "a"], "the path is relative"),
        (&["--path", "/a"], "--rules, or --config"),
        (&["--path", "/a", "--action", "moved"], "added"),
        (&["--path", "/a", "--set", "Rating"], "--set takes KEY=VALUE, not Rating"),
        (&["--path", "/a", "--mtime", "soon"], "--mtime soon is no date"),
        (&["--path", "/a", "--action", "added", "--old", "K=v"], "an added asset was not there"),
        (&["--path", "/a", "--action", "deleted", "--set", "K=v"], "a deletion tells nothing of metadata"),
    ];
    for (words, expect) in more {
        let (code, _, err) = ringback(dir.path(), &[&["explain"], words].concat());
        assert!(code == Some(2) && err.contains(expect), "{words:?}: {code:?} {err}");
    }
}

const PASSES: &str = "\
[[case]]
name = 'a file arrives'
asset = { path = '/d/a' }
change = { action = 'added' }
fires = ['dailies']
";

const FAILS: &str = "
[[case]]
name = 'a rating'
asset = { path = '/d/a' }
change = { action = 'modified', set = { Rating = ['5'] } }
only = ['stars']
";

#[test]
fn cases_pass_or_say_what_differs() {
    let dir = place(RULES, PASSES);
    for words in [&["test", "--rules", "rules"][..], &["test", "rules/tests/c.toml"], &["test", "rules/tests"]] {
        let (code, out, err) = ringback(dir.path(), words);
        assert_eq!((code, err.as_str()), (Some(0), ""), "{words:?}");
        assert_eq!(out, "ok    a file arrives\n\nfine: 1 case in 1 file on 2 rules\n", "{words:?}");
    }
    // From inside, where `rules` is not a part of what is written.
    for (inside, words) in [("rules", ["test", "tests/c.toml"]), ("rules/tests", ["test", "c.toml"])] {
        let (code, out, _) = ringback(&dir.path().join(inside), &words);
        assert!(code == Some(0) && out.contains("fine: 1 case"), "{inside}: {code:?} {out}");
    }

    let dir = place(RULES, &format!("{PASSES}{FAILS}"));
    let (code, out, err) = ringback(dir.path(), &["test", "--rules", "rules"]);
    assert_eq!((code, err.as_str()), (Some(1), ""));
    assert_eq!(
        out,
        "ok    a file arrives\n\
         FAIL  a rating  (rules/tests/c.toml:7)\n      \
         dailies fired and should not have: because * /d\n      \
         stars did not fire and should have: City==SFO: City is absent\n\n\
         failed: 1 of 2 cases in 1 file on 2 rules\n"
    );
    let found = json_of(dir.path(), &["test", "--rules", "rules", "--json"], 1);
    assert_eq!(found["cases"][0]["passed"], true);
    assert_eq!(
        found["cases"][1],
        json!({"file": "rules/tests/c.toml", "line": 7, "name": "a rating", "passed": false,
            "unexpected": [{"name": "dailies", "clause": "* /d"}],
            "missing": [{"name": "stars", "clause": "City==SFO", "why": "City is absent"}]})
    );
}

#[test]
fn one_more_rule_breaks_no_case_and_a_sequence_says_which_step_failed() {
    const SEQUENCE: &str = "\
[[case]]
name = 'the second of the two'
asset = { path = '/d/a' }
steps = [
  { change = { action = 'added' }, fires = ['dailies'], not_fires = ['stars'] },
  { change = { set = { Rating = ['5'] } }, fires = [] },
  { change = { set = { City = ['SFO'] } }, only = ['stars'] },
]
";
    let dir = place(RULES, SEQUENCE);
    let (code, out, err) = ringback(dir.path(), &["test", "--rules", "rules"]);
    assert!(code == Some(0) && err.is_empty(), "{out}{err}");
    let more = "[[subscription]]\nname = 'more'\ncallback = 'http://127.0.0.1:2'\nwatchPath = ['+ /']\n";
    let dir = place(&format!("{RULES}{more}"), SEQUENCE);
    assert_eq!(ringback(dir.path(), &["test", "--rules", "rules"]).0, Some(0), "`fires` says these at least");
    let dir = place(
        &format!(
            "{RULES}{}",
            more.replace("'+ /'", "'/'").replace("watchPath", "watchMetadata = ['City==*']\nwatchPath")
        ),
        SEQUENCE,
    );
    let (code, out, _) = ringback(dir.path(), &["test", "--rules", "rules"]);
    let expect = "      step 3: more fired and should not have: because City==*\n";
    assert!(code == Some(1) && out.contains(expect), "{code:?} {out}");
    let found = json_of(dir.path(), &["test", "--rules", "rules", "--json"], 1);
    assert_eq!(found["cases"][0]["unexpected"], json!([{"step": 3, "name": "more", "clause": "City==*"}]));
}

/// Warnings count where it is asked for, but for those that the file accepts.
#[test]
fn check_may_be_strict_and_do_without_secrets() {
    let all = "[[subscription]]\nname = 'all'\ncallback = 'http://127.0.0.1:1'\nwatchPath = ['* /']\n";
    let dir = place(all, "");
    let (code, out, _) = ringback(dir.path(), &["check", "rules"]);
    assert!(
        code == Some(0) && out.contains("warning[RB0113]") && out.contains("fine: 1 subscription"),
        "{code:?} {out}"
    );
    let (code, out, _) = ringback(dir.path(), &["check", "--strict", "rules"]);
    assert!(code == Some(1) && out.contains("warnings count (--strict): 1 subscription"), "{code:?} {out}");
    let dir = place(&format!("# ringback: allow RB0113\n{all}"), "");
    assert_eq!(json_of(dir.path(), &["check", "--strict", "--json", "rules"], 0), json!([]));

    let dir = place(&format!("# ringback: allow RB0113\n{all}secret = 'file:/nowhere/secret'\n"), "");
    let (code, out, _) = ringback(dir.path(), &["check", "--strict", "rules"]);
    assert!(code == Some(1) && out.contains("error[RB0032]"), "{code:?} {out}");
    let (code, out, _) = ringback(dir.path(), &["check", "--strict", "--without-secrets", "rules"]);
    assert!(code == Some(0), "{code:?} {out}");

    let turn = turns::writing();
    for name in ["rules/b.tml", "rules/c.yaml", "rules/tests/d.yml"] {
        fs::write(dir.path().join(name), "").expect("written");
    }
    drop(turn);
    let found = json_of(dir.path(), &["check", "--without-secrets", "--json", "rules"], 0);
    let files: Vec<_> =
        found.as_array().expect("a list").iter().map(|one| (one["code"].as_str(), one["file"].as_str())).collect();
    assert_eq!(files, [(Some("RB0116"), Some("rules/b.tml")), (Some("RB0116"), Some("rules/c.yaml"))]);
    let (_, _, err) = ringback(dir.path(), &["test", "--rules", "rules"]);
    assert!(err.contains("rules/tests/d.yml is not read"), "{err}");
}

#[test]
fn faulty_cases_and_faulty_rules_are_shown() {
    let dir = place(RULES, &PASSES.replace("dailies", "daylies"));
    let (code, out, _) = ringback(dir.path(), &["test", "--rules", "rules"]);
    assert!(
        code == Some(1) && out.contains("rules/tests/c.toml:5:10") && out.contains("did you mean `dailies`?"),
        "{out}"
    );
    let found = json_of(dir.path(), &["test", "--rules", "rules", "--json"], 1);
    assert!(found["cases"] == json!([]) && found["faults"][0]["line"] == 5, "{found}");
    let dir = place("x = 1", PASSES);
    let (code, out, _) = ringback(dir.path(), &["test", "--rules", "rules"]);
    assert!(code == Some(1) && out.contains("rules/a.toml:1:1"), "{code:?} {out}");
    let dir = place(RULES, "");
    let cases: [(&[&str], i32, &str); 4] = [
        (&["test"], 2, "name case files, or the rules with --rules DIR"),
        (&["test", "rules/a.toml"], 2, "lies in no directory `tests`"),
        (&["test", "--rules", "rules"], 1, "there is no [[case]] in 0 files"),
        (&["test", "--rules", "rules/tests"], 1, "there are no cases: rules/tests/tests is no directory"),
    ];
    for (words, expect_code, expect) in cases {
        let (code, out, err) = ringback(dir.path(), words);
        assert!(code == Some(expect_code) && (out + &err).contains(expect), "{words:?}: {code:?} {err}");
    }
}

#[test]
fn codes_are_explained() {
    let dir = tempfile::tempdir().expect("a directory");
    let (code, out, _) = ringback(dir.path(), &["check", "--explain", "RB0012"]);
    assert!(code == Some(0) && out.starts_with("error[RB0012]: "), "{code:?} {out}");
    assert!(
        ["Wrong:", "City: SFO", "Right:", "City==SFO", "What to do: "].iter().all(|word| out.contains(word)),
        "{out}"
    );
    let found = json_of(dir.path(), &["check", "--explain", "rb103", "--json"], 0);
    assert!(
        found["code"] == "RB0103" && found["right"].as_str().is_some_and(|right| right.contains("/**/")),
        "{found}"
    );
    let (code, _, err) = ringback(dir.path(), &["check", "--explain", "RB0013"]);
    assert!(code == Some(2) && err.contains("there is no code RB0013; the nearest is RB0012"), "{code:?} {err}");
    let faulty = place("x = 1", "");
    let (code, out, _) = ringback(faulty.path(), &["check", "rules"]);
    assert!(code == Some(1) && out.ends_with("more about a code: ringback check --explain RB0003\n"), "{code:?} {out}");
    let (code, ..) = ringback(dir.path(), &["check", "--explain", "RB0012", "rules"]);
    assert_eq!(code, Some(2));
}

/// The example of the documentation, on the rules that are shipped, word for word.
#[test]
fn the_documented_explanation_is_what_is_said() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = fs::read_to_string(root.join("docs/rules.md")).expect("the documentation");
    let command = text.lines().find_map(|line| line.strip_prefix("$ ringback explain ")).expect("an example");
    let words: Vec<_> = std::iter::once("explain").chain(command.split(' ')).collect();
    let (code, out, _) = ringback(root, &words);
    assert!(code == Some(0) && text.contains(&out), "{code:?}\n{out}");
    let (code, out, _) = ringback(root, &["test", "--rules", "rules"]);
    assert!(code == Some(0) && out.contains("\nfine: "), "{code:?}\n{out}");
}
