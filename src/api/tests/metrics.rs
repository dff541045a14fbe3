//! `GET /metrics`: the whole text, checked as `promtool check metrics` checks one, and who sees what of it.

use std::collections::{BTreeMap, BTreeSet};

use regex::Regex;

use super::client::Answer;
use super::{Role, auth, served};
use crate::model::measures::{BOUNDS_MS, Dispatched, Histogram, Journaled, Measures, Reloads, SubscriptionCounts};

/// Numbers, each another one.
pub(super) fn measures() -> Measures {
    let histogram = |times: &[u64]| {
        let mut histogram = Histogram::default();
        times.iter().for_each(|ms| histogram.observe(*ms));
        histogram
    };
    Measures {
        journaled: Journaled { changes: [11, 12, 13, 14], events: 15 },
        dispatched: Dispatched {
            delivered: 21,
            dead: 22,
            dropped: 23,
            attempts: [31, 32, 33, 34, 35, 36, 37],
            entries: 41,
            delivery: histogram(&[1, 3, 100_000_000]),
            attempt: histogram(&[5]),
            lagged: 42,
            owed_reached: 43,
        },
        reloads: Reloads { taken_up: 51, refused: 52 },
        subscriptions: Some(SubscriptionCounts { active: 61, lagged: 62, paused: 63, cancelled: 64 }),
        log_bytes: 71,
    }
}

async fn scrape(credentials: &str) -> Answer {
    let served = served(true).await;
    let answer = served.ask(&format!("GET /metrics HTTP/1.1\r\n{credentials}"), "").await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    answer
}

/// One family: its type, and its samples by name and labels, as they are written.
type Family = (String, BTreeMap<String, f64>);

/// Reads a text, and finds fault with what `promtool check metrics` would.
fn linted(text: &str) -> BTreeMap<String, Family> {
    assert!(text.ends_with('\n') && text.is_ascii());
    let begins = Regex::new(r"^# (HELP|TYPE) ([a-z][a-z0-9_]*) (\S.*)$").expect("a regex");
    let sample =
        Regex::new(r#"^([a-z][a-z0-9_]*)(?:\{((?:[a-z_]+="(?:[^"\\\n]|\\[\\"n])*",?)+)\})? (\S+)$"#).expect("one");
    let label = Regex::new(r#"([a-z_]+)="((?:[^"\\\n]|\\[\\"n])*)""#).expect("a regex");
    let mut families: BTreeMap<String, Family> = BTreeMap::new();
    let mut lines = text.lines().peekable();
    while let Some(help) = lines.next() {
        let help = begins.captures(help).unwrap_or_else(|| panic!("a family begins with its help: {help}"));
        let kind = lines.next().and_then(|line| begins.captures(line)).expect("then its type");
        assert_eq!((&help[1], &kind[1], &help[2]), ("HELP", "TYPE", &kind[2]), "each of both once, of one name");
        let (name, kind) = (help[2].to_owned(), kind[3].to_owned());
        assert!(help[3].ends_with('.'), "{name}: its help is a sentence");
        assert!(name.starts_with("ringback_"), "{name}");
        assert_eq!(name.ends_with("_total"), kind == "counter", "{name}: counters, and they alone, end with _total");
        for unit in ["_ms", "_milliseconds", "_minutes", "_hours", "_kb", "_mb", "_kilobytes", "_count", "_sum"] {
            assert!(!name.ends_with(unit), "{name}: base units, and none of a histogram's own endings");
        }
        let mut samples = BTreeMap::new();
        while let Some(line) = lines.next_if(|line| !line.starts_with('#')) {
            let found = sample.captures(line).unwrap_or_else(|| panic!("not a sample: {line}"));
            let of_family = match kind.as_str() {
                "histogram" => ["_bucket", "_sum", "_count"].iter().any(|end| found[1] == format!("{name}{end}")),
                "counter" | "gauge" => found[1] == name,
                other => panic!("{name}: there is no type {other}"),
            };
            assert!(of_family, "{line} is not of the family {name}");
            let labels = found.get(2).map_or("", |labels| labels.as_str());
            let names: Vec<_> = label.captures_iter(labels).map(|found| found[1].to_owned()).collect();
            assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len(), "{line}: a label twice");
            assert_eq!(names.contains(&"le".to_owned()), found[1].ends_with("_bucket"), "{line}");
            let value: f64 = found[3].parse().unwrap_or_else(|error| panic!("{line}: {error}"));
            assert!(value >= 0.0, "{line}");
            let series = format!("{}{{{labels}}}", &found[1]);
            assert!(samples.insert(series, value).is_none(), "{line}: a series twice");
        }
        assert!(families.insert(name.clone(), (kind, samples)).is_none(), "{name}: a family twice");
    }
    for (name, (_, samples)) in families.iter().filter(|(_, (kind, _))| kind == "histogram") {
        let buckets: BTreeMap<u64, f64> = samples
            .iter()
            .filter_map(|(series, count)| Some((series.split("le=\"").nth(1)?.trim_end_matches("\"}"), *count)))
            .map(|(bound, count)| (bound.parse::<f64>().map_or(u64::MAX, |bound| (bound * 1_000.0) as u64), count))
            .collect();
        assert_eq!(buckets.len(), BOUNDS_MS.len() + 1, "{name}");
        assert!(buckets.values().is_sorted(), "{name}: a bucket counts those below it too: {buckets:?}");
        assert_eq!(buckets.get(&u64::MAX), samples.get(&format!("{name}_count{{}}")), "{name}");
        assert!(samples.contains_key(&format!("{name}_sum{{}}")), "{name}");
    }
    families
}

#[tokio::test]
async fn the_text_is_what_prometheus_reads_and_has_every_number() {
    let answer = scrape(&auth(Role::SuperAdministrator)).await;
    let families = linted(&answer.text());
    let value = |series: &str| {
        let name = series.split('{').next().unwrap_or_default();
        let family = name.trim_end_matches("_count").trim_end_matches("_sum").trim_end_matches("_bucket");
        let (_, samples) = families.get(family).unwrap_or_else(|| panic!("no {family}"));
        *samples.get(series).unwrap_or_else(|| panic!("no {series} in {samples:?}"))
    };
    for (series, expect) in [
        ("ringback_changes_total{action=\"none\"}", 11.0),
        ("ringback_changes_total{action=\"added\"}", 12.0),
        ("ringback_changes_total{action=\"modified\"}", 13.0),
        ("ringback_changes_total{action=\"deleted\"}", 14.0),
        ("ringback_events_total{}", 15.0),
        ("ringback_deliveries_total{outcome=\"delivered\"}", 21.0),
        ("ringback_deliveries_total{outcome=\"dead\"}", 22.0),
        ("ringback_deliveries_total{outcome=\"dropped\"}", 23.0),
        ("ringback_attempts_total{outcome=\"succeeded\"}", 31.0),
        ("ringback_attempts_total{outcome=\"http-error\"}", 32.0),
        ("ringback_attempts_total{outcome=\"internal\"}", 37.0),
        ("ringback_entries_delivered_total{}", 41.0),
        ("ringback_delivery_seconds_bucket{le=\"0.002\"}", 1.0),
        ("ringback_delivery_seconds_bucket{le=\"86400\"}", 2.0),
        ("ringback_delivery_seconds_count{}", 3.0),
        ("ringback_delivery_seconds_sum{}", 100_000.004),
        ("ringback_attempt_seconds_sum{}", 0.005),
        ("ringback_lagged_total{}", 42.0),
        ("ringback_limit_reached_total{limit=\"owed\"}", 43.0),
        ("ringback_limit_reached_total{limit=\"calls\"}", 0.0),
        ("ringback_rule_reloads_total{result=\"taken-up\"}", 51.0),
        ("ringback_rule_reloads_total{result=\"refused\"}", 52.0),
        ("ringback_subscriptions{state=\"active\"}", 61.0),
        ("ringback_subscriptions{state=\"lagged\"}", 62.0),
        ("ringback_subscriptions{state=\"paused\"}", 63.0),
        ("ringback_subscriptions{state=\"cancelled\"}", 64.0),
        ("ringback_wal_bytes{}", 71.0),
        ("ringback_mount_state{mount=\"/acme\",state=\"watching\"}", 1.0),
        ("ringback_mount_state{mount=\"/acme\",state=\"offline\"}", 0.0),
        ("ringback_mount_assets{mount=\"/acme\"}", 3.0),
        ("ringback_mount_lag_seconds{mount=\"/acme\"}", 0.0),
        ("ringback_unwatched_directories{mount=\"/acme\"}", 0.0),
        ("ringback_rules_generation{}", 1.0),
        ("ringback_rule_faults{}", 0.0),
        ("ringback_outbox_entries{}", 0.0),
        ("ringback_outbox_oldest_seconds{}", 0.0),
        ("ringback_dead_letters{}", 0.0),
        ("ringback_log_lines_lost_total{}", 0.0),
        ("ringback_wrong_credentials_total{}", 0.0),
    ] {
        assert_eq!(value(series), expect, "{series}");
    }
    assert_eq!(families.len(), 23, "{:?}", families.keys());
}

/// docs/api.md names each family.
#[tokio::test]
async fn the_page_has_each_family_and_marks_those_of_tenants() {
    let page = include_str!("../../../docs/api.md").split("## Metrics").nth(1).expect("the section");
    let rows: Vec<&str> = page.lines().filter(|line| line.starts_with("| `")).collect();
    let documented = |marked: bool| -> BTreeSet<String> {
        let name = Regex::new(r"`([a-z_]+)(?:\{[a-z,]+\})?`").expect("a regex");
        let of_row = |row: &&str| row.split('|').nth(1).unwrap_or_default().to_owned();
        let cells: Vec<String> = rows.iter().map(of_row).filter(|cell| !marked || cell.contains('*')).collect();
        let names =
            cells.iter().flat_map(|cell| name.captures_iter(cell).map(|found| format!("ringback_{}", &found[1])));
        names.collect()
    };
    for (credentials, marked) in [(auth(Role::SuperAdministrator), false), (auth(Role::Reader), true)] {
        let served: BTreeSet<String> = linted(&scrape(&credentials).await.text()).into_keys().collect();
        assert_eq!(served, documented(marked));
    }
}

#[tokio::test]
async fn a_caller_of_another_tenant_sees_no_mount() {
    let families = linted(&scrape("Authorization: Bearer other-reader\r\n").await.text());
    assert!(families["ringback_mount_assets"].1.is_empty(), "{families:?}");
    assert_eq!(families["ringback_rules_generation"].1.len(), 1);
}

#[tokio::test]
async fn wrong_credentials_and_calls_that_found_no_room_are_counted() {
    let served = served(true).await;
    assert_eq!(served.ask("GET /metrics HTTP/1.1\r\nAuthorization: Bearer wrong\r\n", "").await.status, 401);
    let sync = format!("POST /v1/sync HTTP/1.1\r\n{}", auth(Role::Recorder));
    let (address, head) = (served.address, sync.clone());
    let first = tokio::spawn(async move { super::exchange(address, &head, b"").await });
    // The queue holds one call, and nobody takes it.
    while served.calls.is_empty() {
        tokio::task::yield_now().await;
    }
    assert_eq!(served.ask(&sync, "").await.status, 503);
    let text = served.ask(&format!("GET /metrics HTTP/1.1\r\n{}", auth(Role::SuperAdministrator)), "").await.text();
    assert_eq!(linted(&text)["ringback_wrong_credentials_total"].1["ringback_wrong_credentials_total{}"], 1.0);
    assert!(text.contains("ringback_limit_reached_total{limit=\"calls\"} 1\n"), "{text}");
    first.abort();
}
