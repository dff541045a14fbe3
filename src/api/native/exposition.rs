//! The text format in which Prometheus reads metrics, version 0.0.4
//! (prometheus.io/docs/instrumenting/exposition_formats): families of samples, each with its help and its type first.

use std::fmt::Write as _;

use crate::model::measures::{BOUNDS_MS, Histogram};

/// The media type of the text.
pub(super) const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Before each name.
const PREFIX: &str = "ringback_";

/// What the samples of a family are.
#[derive(Debug, Clone, Copy)]
pub(super) enum Kind {
    /// Only rises, and begins at 0 with each start.
    Counter,
    /// Rises and falls.
    Gauge,
}

/// The text, as far as it is written.
#[derive(Default)]
pub(super) struct Exposition(String);

impl Exposition {
    /// Begins a family. All of its samples come before the next one begins.
    pub(super) fn family(&mut self, kind: Kind, name: &'static str, help: &str) -> Family<'_> {
        let kind = match kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
        };
        self.begin(kind, name, help);
        Family { text: &mut self.0, name }
    }

    /// A family of one sample.
    pub(super) fn one(&mut self, kind: Kind, name: &'static str, help: &str, value: u64) {
        self.family(kind, name, help).sample(&[], value);
    }

    /// A family that is a histogram of times. The name ends with `_seconds`.
    pub(super) fn histogram(&mut self, name: &'static str, help: &str, histogram: &Histogram) {
        self.begin("histogram", name, help);
        let mut below = 0;
        for (bound_ms, count) in BOUNDS_MS.iter().zip(&histogram.buckets) {
            below += count;
            self.line(format_args!("{name}_bucket{{le=\"{}\"}} {below}", seconds(*bound_ms)));
        }
        let all = below + histogram.longer;
        self.line(format_args!("{name}_bucket{{le=\"+Inf\"}} {all}"));
        self.line(format_args!("{name}_sum {}", seconds(histogram.sum_ms)));
        self.line(format_args!("{name}_count {all}"));
    }

    /// The whole text.
    pub(super) fn finish(self) -> String {
        self.0
    }

    fn begin(&mut self, kind: &str, name: &str, help: &str) {
        writeln!(self.0, "# HELP {PREFIX}{name} {help}\n# TYPE {PREFIX}{name} {kind}").expect("a text takes all");
    }

    fn line(&mut self, line: std::fmt::Arguments<'_>) {
        writeln!(self.0, "{PREFIX}{line}").expect("a text takes all");
    }
}

/// One family.
pub(super) struct Family<'a> {
    text: &'a mut String,
    name: &'static str,
}

impl Family<'_> {
    /// Adds a sample.
    pub(super) fn sample(&mut self, labels: &[(&str, &str)], value: impl std::fmt::Display) {
        let labels: Vec<_> = labels.iter().map(|(name, value)| format!("{name}=\"{}\"", escaped(value))).collect();
        let labels = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
        writeln!(self.text, "{PREFIX}{}{labels} {value}", self.name).expect("a text takes all");
    }
}

/// Milliseconds as seconds.
pub(super) fn seconds(ms: u64) -> f64 {
    ms as f64 / 1_000.0
}

/// The value of a label as it is written between its quotes.
fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::{Exposition, Kind};
    use crate::model::measures::Histogram;

    #[test]
    fn families_are_written_as_the_format_says() {
        let mut text = Exposition::default();
        text.family(Kind::Gauge, "mount_assets", "Assets.").sample(&[("mount", "/a\"\\\n"), ("x", "y")], 3);
        text.one(Kind::Counter, "events_total", "Events.", 4);
        let mut histogram = Histogram::default();
        [1, 2, 1_500, u64::from(u32::MAX)].into_iter().for_each(|ms| histogram.observe(ms));
        text.histogram("attempt_seconds", "Attempts.", &histogram);
        let text = text.finish();
        let begins = "# HELP ringback_mount_assets Assets.\n\
                      # TYPE ringback_mount_assets gauge\n\
                      ringback_mount_assets{mount=\"/a\\\"\\\\\\n\",x=\"y\"} 3\n\
                      # HELP ringback_events_total Events.\n\
                      # TYPE ringback_events_total counter\n\
                      ringback_events_total 4\n\
                      # HELP ringback_attempt_seconds Attempts.\n\
                      # TYPE ringback_attempt_seconds histogram\n\
                      ringback_attempt_seconds_bucket{le=\"0.001\"} 1\n\
                      ringback_attempt_seconds_bucket{le=\"0.002\"} 2\n\
                      ringback_attempt_seconds_bucket{le=\"0.004\"} 2\n";
        assert!(text.starts_with(begins), "{text}");
        let ends = "ringback_attempt_seconds_bucket{le=\"67108.864\"} 3\n\
                    ringback_attempt_seconds_bucket{le=\"86400\"} 3\n\
                    ringback_attempt_seconds_bucket{le=\"+Inf\"} 4\n\
                    ringback_attempt_seconds_sum 4294968.798\n\
                    ringback_attempt_seconds_count 4\n";
        assert!(text.ends_with(ends), "{text}");
    }
}
