//! The format of a payload: in which text a batch is written. What is here is its name and its media type; the bytes
//! are written in `outbox::formats`.

use super::event::{Occurrence, Origin};

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
    /// The audit event of the `reactor` text: a JSON:API document.
    Reactor,
    /// The envelope of the `eqp` text: `callback_event`, `update_info`.
    Eqp,
    /// The notification of the `hal` text.
    Hal,
    /// The envelope of the `compendium` text.
    Compendium,
}

impl Format {
    /// All of them.
    pub const ALL: [Self; 7] =
        [Self::Zoom, Self::CloudEvents, Self::CloudEventsBatch, Self::Reactor, Self::Eqp, Self::Hal, Self::Compendium];

    /// As written.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Zoom => "zoom",
            Self::CloudEvents => "cloudevents",
            Self::CloudEventsBatch => "cloudevents-batch",
            Self::Reactor => "reactor",
            Self::Eqp => "eqp",
            Self::Hal => "hal",
            Self::Compendium => "compendium",
        }
    }

    /// The media type of its bodies. Those of CloudEvents are from its HTTP protocol binding, sections 3.2.1 and 3.3.1,
    /// and its JSON event format, sections 3 and 4; that of JSON:API is from its version 1.1, "Media Type Negotiation".
    #[must_use]
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Zoom | Self::Eqp | Self::Compendium => "application/json",
            Self::Reactor => "application/vnd.api+json",
            Self::Hal => "application/hal+json",
            Self::CloudEvents => "application/cloudevents+json; charset=utf-8",
            Self::CloudEventsBatch => "application/cloudevents-batch+json; charset=utf-8",
        }
    }

    /// Whether a body has room for one entry only.
    #[must_use]
    pub fn holds_one_entry(self) -> bool {
        !matches!(self, Self::Zoom | Self::CloudEventsBatch)
    }

    /// Whether it tells events by their names. A format that does not tells of an event about an asset as of the
    /// asset's change, and of no other event.
    #[must_use]
    pub fn tells_events(self) -> bool {
        self != Self::Zoom
    }

    /// Whether it tells this event, which is about no asset.
    #[must_use]
    pub fn tells(self, event: &Occurrence) -> bool {
        let is_of = |subject: &str| event.name.split_once('.').is_some_and(|(of, _)| of == subject);
        match self {
            Self::Zoom => false,
            // Its text takes `property` events and sends none; its rules are the asset store's, and no rule files'.
            Self::Reactor => !is_of("property") && (event.origin == Origin::Store || !is_of("rule")),
            _ => true,
        }
    }
}
