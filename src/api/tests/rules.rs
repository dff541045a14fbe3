//! `GET /v1/rules` and `POST /v1/explain`: what is asked, what is shown to whom, and what is refused.

use serde_json::{Value, json};

use super::client::Answer;
use super::{AssetId, Served, auth, limits, served};
use crate::api::native::explain::read_back;
use crate::model::change::Change;
use crate::model::explain::{ExplainAsk, Explained, ExplainedRule, FaultyRule, FiresOn, Stopped};
use crate::model::metadata::Metadata;
use crate::model::principal::Role;
use crate::model::rule_list::{ListedRule, OnDisk, RuleKind, RulePage, RulePlace, RulesAsked};
use crate::model::tenant::Tenant;
use crate::model::time::Wall;

fn acme() -> Tenant {
    Tenant::parse("acme").expect("a name")
}

/// The rules `a`, of the tenant `acme`, and `b`, and an event; one fault.
pub(super) fn page(asked: &RulesAsked) -> RulePage {
    let rule = |name: &str, kind: RuleKind, line: u32, tenant: Option<Tenant>| ListedRule {
        name: name.to_owned(),
        place: RulePlace { kind, file: "rules/a.toml".to_owned(), line },
        tenant,
        is_paused: false,
        warnings: vec!["RB0113".to_owned()],
    };
    let all = [
        rule("a", RuleKind::Subscription, 1, Some(acme())),
        rule("b", RuleKind::Subscription, 7, None),
        rule("scanned", RuleKind::Event, 12, None),
    ];
    let covered = all.iter().filter(|rule| asked.scope.covers(rule.tenant.as_ref())).count();
    let head = RulePage {
        since: Some(Wall(0)),
        count: covered,
        faults_count: 1,
        on_disk: OnDisk::Faulty,
        ..RulePage::default()
    };
    if !asked.scope.is_all() {
        return head;
    }
    let from =
        asked.after.as_ref().map_or(0, |after| all.iter().position(|rule| rule.place == *after).map_or(0, |at| at + 1));
    let rules: Vec<_> = all[from..].iter().take(asked.limit).cloned().collect();
    let next = (from + asked.limit < all.len()).then(|| rules.last().expect("one").place.clone());
    RulePage { rules, next, faults: vec![json!({"code": "RB0003", "file": "rules/b.toml", "line": 2})].into(), ..head }
}

/// The rule `a`, of the tenant `acme`, fires on what is added; a text with `fault` in it is faulty.
pub(super) fn explain(ask: &ExplainAsk) -> Result<Explained, FaultyRule> {
    if ask.rule.as_ref().is_some_and(|rule| rule.contains("fault")) {
        return Err(FaultyRule(vec![json!({"code": "RB0003", "line": 1})]));
    }
    let covers = ask.scope.covers(Some(&acme()));
    let fires = ask.change.as_ref().is_some_and(|change| change.action == crate::model::change::Action::Added);
    let why = (!fires).then(|| "only metadata changed".to_owned());
    let rule = ExplainedRule { name: "a".to_owned(), fires, clause: "+ /acme".to_owned(), why };
    Ok(Explained {
        path: ask.change.as_ref().map(|change| change.path.clone()),
        stopped: (!fires && ask.change.is_some()).then_some(Stopped::NoChange),
        rules: if covers && ask.change.is_some() { vec![rule] } else { Vec::new() },
        rules_more: 0,
        fires_on: Box::new(move |entry: &Change, state: &Metadata| {
            let in_sfo = state.get("City").is_some_and(|values| values == &["SFO"]);
            covers && entry.path.as_bytes().starts_with(b"/acme") && (in_sfo || entry.seq.0 % 2 == 1)
        }),
    })
}

async fn rules(served: &Served, role: Role, query: &str) -> Answer {
    served.ask(&format!("GET /v1/rules{query} HTTP/1.1\r\n{}", auth(role)), "").await
}

async fn explained(served: &Served, body: Value) -> Answer {
    let head = format!("POST /v1/explain HTTP/1.1\r\n{}", auth(Role::SuperAdministrator));
    served.ask(&head, &body.to_string()).await
}

#[tokio::test]
async fn a_rule_has_its_place_what_it_is_owed_and_when_it_last_fired() {
    let served = served(true).await;
    let answer = rules(&served, Role::SuperAdministrator, "?limit=2").await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let answer = answer.json();
    assert_eq!((answer["generation"].as_u64(), answer["onDisk"].as_str()), (Some(1), Some("faulty")));
    assert_eq!(answer["faults"][0]["code"], "RB0003");
    let a = &answer["rules"][0];
    assert_eq!(
        (a["name"].as_str(), a["file"].as_str(), a["line"].as_u64()),
        (Some("a"), Some("rules/a.toml"), Some(1))
    );
    assert_eq!(
        (a["kind"].as_str(), a["tenant"].as_str(), a["state"].as_str()),
        (Some("subscription"), Some("acme"), Some("active"))
    );
    // Its newest delivery was accepted and tells the fourth change.
    assert_eq!(a["lastFired"]["seq"], 4, "{a}");
    assert_eq!(answer["rules"][1]["state"], "paused", "{answer}");
    let next = answer["next"].as_str().expect("there are more");
    let query: String = url::form_urlencoded::Serializer::new(String::new()).append_pair("cursor", next).finish();
    let rest = rules(&served, Role::SuperAdministrator, &format!("?{query}")).await.json();
    assert_eq!(
        (rest["rules"][0]["name"].as_str(), rest["rules"][0]["kind"].as_str()),
        (Some("scanned"), Some("event"))
    );
    assert_eq!((rest["rules"].as_array().map(Vec::len), rest.get("next")), (Some(1), None));
    assert_eq!(rules(&served, Role::SuperAdministrator, "?cursor=x").await.status, 422);
}

#[tokio::test]
async fn others_than_super_administrators_see_numbers() {
    let served = served(true).await;
    let answer = rules(&served, Role::Operator, "").await.json();
    assert_eq!((answer["rules"].clone(), answer["faults"].clone()), (json!([]), json!([])));
    assert_eq!((answer["rulesMore"].as_u64(), answer["faultsMore"].as_u64()), (Some(1), Some(1)));
}

#[tokio::test]
async fn a_change_is_supposed_and_what_makes_no_sense_is_refused() {
    let served = served(true).await;
    let answer = explained(&served, json!({"path": "/acme/a", "action": "added", "set": {"City": "SFO"}})).await;
    assert_eq!(
        answer.json(),
        json!({"path": "/acme/a", "rules": [{"name": "a", "fires": true, "because": "+ /acme"}]})
    );
    let answer = explained(&served, json!({"path": "/acme/a"})).await.json();
    assert_eq!(answer["stopped"], "no-change");
    assert_eq!(answer["rules"][0]["failed"], json!({"clause": "+ /acme", "why": "only metadata changed"}));
    let answer = explained(&served, json!({"path": "/acme/a", "rule": "fault"})).await;
    assert_eq!((answer.status, &answer.json()["errors"]), (422, &json!([{"code": "RB0003", "line": 1}])));
    for (body, expect) in [
        (json!({}), "say `path`, or `journal`"),
        (json!({"journal": 5, "action": "added"}), "say what happens at a `path`"),
        (json!({"path": "a"}), "the path is relative"),
        (json!({"path": "/a", "action": "moved"}), "there is no"),
        (json!({"path": "/a", "set": {"K": 5}}), "`set` takes an object"),
        (json!({"path": "/a", "set": []}), "`set` takes an object"),
        (json!({"path": "/a", "size": -1}), "`size` takes a whole number from 0"),
        (json!({"path": "/a", "mtime": "soon"}), "`mtime` takes a time"),
        (json!({"path": "/a", "action": "added", "old": {"K": ["v"]}}), "an added asset was not there"),
        (json!({"path": "/a", "action": "deleted", "set": {"K": ["v"]}}), "a deletion tells nothing"),
        (json!({"journal": 0}), "`journal` takes a whole number from 1 to 10000"),
        (json!({"journal": limits::EXPLAIN_JOURNAL_MAX + 1}), "`journal` takes a whole number"),
        (json!({"path": "/a", "rules": "x"}), "there is no field"),
    ] {
        let answer = explained(&served, body.clone()).await;
        assert!(answer.status == 422 && answer.text().contains(expect), "{body}: {} {}", answer.status, answer.text());
    }
    let text = |bytes: usize| json!({"path": "/a", "rule": "#".repeat(bytes)});
    assert_eq!(explained(&served, text(limits::EXPLAIN_RULE_BYTES_MAX)).await.status, 200);
    assert_eq!(explained(&served, text(limits::EXPLAIN_RULE_BYTES_MAX + 1)).await.status, 413);
    let body = |bytes: usize| json!({"path": "/a", "owner": "a".repeat(bytes)});
    let frame = body(0).to_string().len();
    assert_eq!(explained(&served, body(limits::EXPLAIN_BYTES_MAX - frame)).await.status, 200);
    assert_eq!(explained(&served, body(limits::EXPLAIN_BYTES_MAX - frame + 1)).await.status, 413);
}

/// The five changes of the ledger, of one asset that is in San Francisco now.
#[tokio::test]
async fn the_newest_changes_of_the_journal_are_tried_as_the_asset_stood_then() {
    let served = served(true).await;
    let answer = explained(&served, json!({"journal": limits::EXPLAIN_JOURNAL_MAX})).await.json();
    assert_eq!(answer["journal"]["read"], 5, "{answer}");
    let first = answer["journal"]["first"].as_array().expect("a list");
    assert_eq!(answer["journal"]["fired"].as_u64(), Some(first.len() as u64));
    let seqs: Vec<_> = first.iter().filter_map(|change| change["seq"].as_i64()).collect();
    assert!(seqs.is_sorted() && seqs.contains(&1), "{answer}");
    let answer = explained(&served, json!({"journal": 2})).await.json();
    assert_eq!(answer["journal"]["read"], 2, "the newest two: {answer}");
    assert_eq!(
        answer["journal"]["first"][0]["path"].as_str().map(|path| path.starts_with("/acme")),
        Some(true),
        "{answer}"
    );
}

#[test]
fn the_journal_is_read_as_far_as_the_metadata_fits() {
    let (ledger, reader) = super::ledger::ledger_and_reader(0);
    ledger.begin().expect("a group");
    ledger.intake().append(&Change { asset: AssetId(1), ..super::ledger::change(8) }).expect("a change");
    ledger.commit().expect("a commit");
    let fires_on: FiresOn = Box::new(|_, _| true);
    let read = |bytes: usize| {
        let Ok(said) = read_back(&reader, 10, bytes, &fires_on) else { panic!("it is read") };
        said["read"].as_u64()
    };
    // The asset of the newest change has `City` and `SFO`.
    assert_eq!((read(7), read(6)), (Some(6), Some(1)));
}
