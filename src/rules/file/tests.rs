//! The keys of rule files beyond the clauses: what they come to, and what is refused.

use super::event::EVENT_NAME_MAX;
use crate::diagnostic::{Code, Severity, SourceFile};
use crate::model::change::{Action, Change};
use crate::model::event::Dialect;
use crate::model::format::Format;
use crate::model::metadata::Metadata;
use crate::model::path::LogicalPath;
use crate::model::secret::{SecretRef, SigningSecret};
use crate::model::subscription::{Field, Lifetime, Order};
use crate::rules::condition::Written;
use crate::rules::index::Scratch;
use crate::rules::{Facts, Loaded, RuleSet, load};

const HEAD: &str = "[[subscription]]\nname = 'a'\ncallback = 'http://127.0.0.1/'\n";

fn source(name: &str, text: &str) -> SourceFile {
    SourceFile { name: name.into(), text: text.as_bytes().into() }
}

fn loaded(text: &str) -> RuleSet {
    let Loaded { set, diagnostics, .. } = load(&[source("rules/a.toml", text)]);
    set.unwrap_or_else(|| panic!("{diagnostics:#?}"))
}

/// The codes of what is wrong or odd, in the order of places.
fn codes(text: &str) -> Vec<Code> {
    load(&[source("a.toml", text)]).diagnostics.iter().map(|d| d.code).collect()
}

#[test]
fn every_further_key_takes_effect() {
    let set = loaded(&format!(
        "{HEAD}
         tenant = 'acme'
         events = ['scanned', 'asset.added', 'scanned']
         order = 'parallel'
         format = 'cloudevents-batch'
         fields = ['metadata', 'seq', 'seq']
         secret = 'file:secrets/sfo'
         hubSignature = true
         lifetime = 'once'
         paused = true
         [[event]]
         name = 'scanned'
         watchMetadata = ['malware_scan==*']
         dialects = ['eqp', 'hal', 'eqp']
         tenant = 'acme'
         description = 'For the asset store.'
         [event.fields]
         zeta = '{{asset.id}}'
         alpha = '{{metadata.malware_scan}} at {{time}}'
         [[event]]
         name = 'Reported'"
    ));
    let [rule] = set.rules() else { panic!("one rule") };
    let subscription = &rule.subscription;
    assert_eq!(*rule.condition.written(), Written::Nothing);
    assert_eq!(subscription.tenant.as_ref().map(ToString::to_string).as_deref(), Some("acme"));
    let events: Vec<_> = subscription.events.iter().map(ToString::to_string).collect();
    assert_eq!(events, ["scanned", "asset.added"]);
    assert_eq!((subscription.order, subscription.lifetime), (Order::Parallel, Lifetime::Once));
    assert_eq!(subscription.format, Format::CloudEventsBatch);
    assert_eq!(*subscription.fields, [Field::Metadata, Field::Seq]);
    assert_eq!(subscription.secret.as_deref(), Some(&SecretRef::File("rules/secrets/sfo".into())));
    assert!(subscription.hub_signature && subscription.paused);
    let [scanned, reported] = set.events() else { panic!("two events") };
    assert!(scanned.condition.is_some() && reported.condition.is_none());
    assert_eq!((scanned.name.as_str(), reported.name.as_str()), ("scanned", "Reported"));
    assert_eq!(scanned.dialects, [Dialect::Eqp, Dialect::Hal]);
    let fields: Vec<_> = scanned.fields.iter().map(|(key, _)| key.as_str()).collect();
    assert_eq!(fields, ["zeta", "alpha"]);
}

#[test]
fn a_change_of_metadata_alone_is_asked_for_by_its_name_and_by_its_old_one() {
    for names in ["['asset.metadata']", "['asset.none']", "['asset.none', 'asset.metadata']"] {
        let set = loaded(&format!("{HEAD}events = {names}"));
        let events: Vec<_> = set.rules()[0].subscription.events.iter().map(ToString::to_string).collect();
        assert_eq!(events, ["asset.metadata"], "{names}");
        let fires = |action| {
            let change = Change::of_some_asset(b"/a", action, Vec::new());
            let facts = Facts { size: 0, mtime_ns: 0, mount: &LogicalPath::root(), tenant: None };
            !set.matching(&change, &Metadata::new(), facts, &mut Scratch::default()).rules.is_empty()
        };
        assert_eq!(Action::ALL.map(fires), Action::ALL.map(|action| action == Action::None), "{names}");
    }
}

#[test]
fn an_event_that_a_format_never_tells_is_warned_of() {
    let watched = format!("{HEAD}watchPath = ['* /a']\n");
    for line in [
        "events = ['asset.added', 'x']\n[[event]]\nname = 'x'\nwatchPath = ['+ /a']",
        "events = ['asset.metadata']",
        "format = 'cloudevents'\nevents = ['rules.reloaded', 'x']\n[[event]]\nname = 'x'",
    ] {
        assert_eq!(codes(&format!("{watched}{line}")), [], "{line}");
    }
    // Of no asset, in a format of assets.
    let found = codes(&format!("{watched}events = ['rules.reloaded', 'x', 'asset.added']\n[[event]]\nname = 'x'"));
    assert_eq!(found, [Code::EventNotSent; 2]);
}

#[test]
fn what_keys_cannot_mean_is_refused() {
    let watched = format!("{HEAD}watchPath = ['* /a']\n");
    for (line, expect) in [
        ("events = ['asset.aded']", &[Code::UnknownEvent][..]),
        ("events = ['a b']", &[Code::BadName]),
        ("tenant = 'a b'", &[Code::BadName]),
        ("order = 'random'", &[Code::UnknownWord]),
        ("fields = ['colour']", &[Code::UnknownWord]),
        ("format = 'cloudevents'\nmaxEntries = 2", &[Code::OutOfRange]),
        ("format = 'reactor'", &[Code::UnknownWord]),
        ("format = 'xml'", &[Code::UnknownWord]),
        ("lifetime = 'twice'", &[Code::UnknownWord]),
        ("paused = 'yes'", &[Code::WrongType]),
        ("hubSignature = true", &[Code::MissingKey]),
        ("secret = 'geheim'", &[Code::BadSecret]),
        ("secret = 'file:'", &[Code::BadSecret]),
        ("secret = 'env:A B'", &[Code::BadSecret]),
        ("secret = 'whsec_aGk='", &[Code::SecretInClear]),
        ("header = ['X-Api-Key: a', 'X-Site: b', 'Cookie:']", &[Code::SecretInClear]),
        ("queryParam = ['access_token=a', 'site=b']", &[Code::SecretInClear]),
        ("when = 1", &[Code::KeysExclude, Code::WrongType]),
        ("[[event]]\nname = 'asset.added'", &[Code::BadName]),
        ("[[event]]\nname = 'asset.none'", &[Code::BadName]),
        ("[[event]]\nname = 'x'\nwatchPath = ['/a']", &[Code::NothingToWatch]),
        ("[[event]]\nname = 'x'\ndialects = ['eqq']", &[Code::UnknownWord]),
        ("[[event]]\nname = 'x'\nfields = { a = '{asset.di}', b = 1 }", &[Code::BadTemplate, Code::WrongType]),
        ("[[event]]\nname = 'x'\n[[event]]\nname = 'x'", &[Code::Duplicate]),
    ] {
        let text = format!("{watched}{line}");
        assert_eq!(codes(&text), expect, "{line}");
        let blocked = load(&[source("a.toml", &text)]).set.is_none();
        assert_eq!(blocked, expect.iter().any(|code| (*code as u16) < 100), "{line}");
    }
    assert_eq!(codes(&format!("{HEAD}events = []")), [Code::NothingToWatch]);
    assert_eq!(codes(&format!("{HEAD}event = ['asset.added']")), [Code::UnknownKey]);
}

#[test]
fn an_event_s_name_has_up_to_the_limit_of_bytes() {
    let event = |length: usize| format!("[[event]]\nname = '{}'", "n".repeat(length));
    assert_eq!(codes(&event(EVENT_NAME_MAX)), []);
    let diagnostics = load(&[source("a.toml", &event(EVENT_NAME_MAX + 1))]).diagnostics;
    let found: Vec<_> = diagnostics.iter().map(|d| (d.code, d.help.clone())).collect();
    assert_eq!(found, [(Code::BadName, Some(format!("write \"{}\"", "n".repeat(EVENT_NAME_MAX))))]);
}

#[test]
fn events_are_known_across_files_and_what_a_broken_file_declares_is_not_missed() {
    let asks = source("a.toml", &format!("{HEAD}events = ['scanned']"));
    let declares = source("b.toml", "[[event]]\nname = 'scanned'");
    assert!(load(&[asks.clone(), declares.clone()]).set.is_some());
    let twice = load(&[asks.clone(), declares.clone(), declares]);
    assert!(twice.set.is_none());
    assert_eq!(twice.diagnostics.last().map(|d| d.code), Some(Code::Duplicate));
    let broken = load(&[asks, source("b.toml", "[[event]\nname = 'scanned'")]);
    assert!(broken.diagnostics.iter().all(|d| d.code != Code::UnknownEvent), "{broken:?}");
}

#[test]
fn a_rule_with_a_tenant_hears_of_that_tenant_s_mounts_alone() {
    let set = loaded(&format!(
        "{HEAD}watchPath = ['* /m']\ntenant = 'acme'\n{}watchPath = ['* /m']",
        HEAD.replace("'a'", "'b'")
    ));
    let change = Change::of_some_asset(b"/m/f", Action::Added, Vec::new());
    let mount = LogicalPath::root();
    for (tenant, expect) in [(None, &[1][..]), (Some("acme"), &[0, 1]), (Some("Acme"), &[1])] {
        let facts = Facts { size: 0, mtime_ns: 0, mount: &mount, tenant };
        assert_eq!(set.matching(&change, &Metadata::new(), facts, &mut Scratch::default()).rules, expect, "{tenant:?}");
    }
}

#[test]
fn secrets_are_read_once_and_one_that_is_missing_blocks_the_set() {
    let rule = |name: &str, secret: &str| {
        format!(
            "[[subscription]]\nname = '{name}'\ncallback = 'http://127.0.0.1/{name}'\nwatchPath = ['* /a']\n{secret}\n"
        )
    };
    let text = rule("a", "secret = 'env:A'")
        + &rule("b", "")
        + &rule("c", "secret = 'file:/c'")
        + &rule("d", "secret = 'env:A'");
    let files = [source("a.toml", &text)];
    let mut asked = Vec::new();
    let good = load(&files).with_secrets(|reference| {
        asked.push(reference.to_string());
        Ok(SigningSecret::parse("whsec_aGk=").expect("a secret"))
    });
    assert_eq!(asked, ["env:A", "file:/c"]);
    assert_eq!(good.secret_files(), [std::path::Path::new("/c")]);
    let signed: Vec<_> =
        good.set.expect("a set").rules().iter().map(|rule| rule.subscription.signing.is_some()).collect();
    assert_eq!(signed, [true, false, true, true]);

    let missing = |reference: &SecretRef| match reference {
        SecretRef::Env(_) => Err("it is not set".to_owned()),
        _ => Ok(SigningSecret::parse("whsec_aGk=").expect("a secret")),
    };
    let bad = load(&files).with_secrets(missing);
    assert!(bad.set.is_none());
    let places: Vec<_> = bad.diagnostics.iter().map(|d| (d.code, d.severity, &text[d.span.clone()])).collect();
    assert_eq!(places, [(Code::BadSecret, Severity::Error, "'env:A'"); 2]);
    let held = load(&files).with_secrets_or_held(missing).set.expect("the set stays");
    let held: Vec<_> = held.rules().iter().map(|rule| rule.subscription.is_held()).collect();
    assert_eq!(held, [true, false, false, true]);
}
