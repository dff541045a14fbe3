//! The format of a payload: in which text a batch is written. What is here is its name and its media type; the bytes
//! are written in `outbox::formats`.

/// A payload format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Format {
    /// The `zoom` text: `success`, `data.entry`, `id`.
    #[default]
    Zoom,
    /// CloudEvents 1.0.2, structured content mode: one event is the body.
    CloudEvents,
    /// CloudEvents 1.0.2, batched content mode: the body is an array of events.
    CloudEventsBatch,
}

impl Format {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Zoom, Self::CloudEvents, Self::CloudEventsBatch];

    /// As written.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Zoom => "zoom",
            Self::CloudEvents => "cloudevents",
            Self::CloudEventsBatch => "cloudevents-batch",
        }
    }

    /// The media type of its bodies. Those of CloudEvents are from its HTTP protocol binding, sections 3.2.1 and 3.3.1,
    /// and its JSON event format, sections 3 and 4.
    #[must_use]
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Zoom => "application/json",
            Self::CloudEvents => "application/cloudevents+json; charset=utf-8",
            Self::CloudEventsBatch => "application/cloudevents-batch+json; charset=utf-8",
        }
    }

    /// Whether a body has room for one entry only.
    #[must_use]
    pub fn holds_one_entry(self) -> bool {
        self == Self::CloudEvents
    }

    /// Whether it tells events by their names. A format that does not tells of an event about an asset as of the
    /// asset's change, and of no other event.
    #[must_use]
    pub fn tells_events(self) -> bool {
        self != Self::Zoom
    }
}
