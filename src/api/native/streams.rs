//! Streams of events (server-sent events; HTML, section 9.2). The journal is read once for all of them: what is new is
//! rendered once and goes to each stream, which sends what is wanted of it. A stream that begins in the past, or falls
//! behind, reads the journal by itself until it is level.

use std::collections::{BTreeSet, HashMap};
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use axum::body::Body;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use hyper::body::Frame;
use serde_json::Value;
use tokio::sync::{Semaphore, broadcast, mpsc, watch};
use tokio::time::{MissedTickBehavior, interval_at, sleep};

use super::super::body::{Asked, Ending};
use super::super::gate::Replaced;
use super::super::operation::{Operation, text};
use super::super::reading::{ReadError, ask};
use super::journal_row::{Wanted, rendered};
use super::topics::Topic;
use super::{Answer, Api};
use crate::api::error::ApiError;
use crate::api::limits::{FEED_EVERY, FEED_KEPT, PAGE_MAX, STREAM_COMMENT_EVERY, STREAMS_MAX, STREAMS_OF_ONE_MAX};
use crate::model::error_chain::ErrorChain;
use crate::model::ids::{Seq, SubscriptionId};
use crate::model::listing::{Forgotten, JournalPage, JournalRow, TopicPage};
use crate::store::Reader;

/// Pieces of a stream that wait for its peer.
const PIECES: usize = 8;

/// What is new in the journal.
struct News {
    /// It begins behind this place.
    after: Seq,
    /// It ends here.
    next: Seq,
    rows: Vec<(JournalRow, Bytes)>,
    /// Whose topics have something of it.
    topics: BTreeSet<SubscriptionId>,
}

/// What a stream is of.
pub(super) enum Source {
    /// What is wanted of the journal.
    Journal(Arc<Wanted>),
    /// A topic.
    Topic(Arc<Topic>),
}

/// What a source has behind a place.
struct Piece {
    events: Bytes,
    next: Seq,
    more: bool,
}

impl Source {
    /// Reads a page behind a place, of at most so many rows.
    fn read(&self, reader: &Reader, at: Seq, limit: usize) -> Result<Result<Piece, Forgotten>, ReadError> {
        let page = match self {
            Self::Journal(wanted) => {
                reader.changes(Some(at), limit, |row| wanted.covers(row))?.map(|JournalPage { rows, next, more }| {
                    (rows.iter().map(|row| (row.seq(), rendered(row))).collect::<Vec<_>>(), next, more)
                })
            }
            Self::Topic(topic) => reader.topic(&topic.ids(), Some(at), limit)?.map(|TopicPage { rows, next, more }| {
                (rows.iter().map(|(id, entry)| (entry.seq(), topic.rendered(*id, entry))).collect(), next, more)
            }),
        };
        Ok(page.map(|(rows, next, more)| Piece {
            events: events(rows.iter().map(|(seq, json)| (*seq, json))),
            next,
            more,
        }))
    }
}

impl Api {
    /// Opens a stream of a source, behind where the caller's last one broke, or behind `since`, or from now on.
    pub(super) async fn stream(&self, asked: &mut Asked, since: Option<Seq>, source: Source) -> Answer {
        let last = last_event(&asked.parts.headers)?;
        let ending = asked.parts.extensions.get::<Ending>().expect("the server puts it on each request").0.clone();
        let slot = self.streams.enter(&asked.caller().name)?;
        let since = match last.or(since) {
            Some(since) => since,
            None => self.read(|reader, _| Ok(reader.newest_place()?)).await?,
        };
        // What is forgotten is said now, while there is a status to say it with.
        let source = Arc::new(source);
        let first = Arc::clone(&source);
        self.read(move |reader, _| first.read(reader, since, 1)).await?.map_err(forgotten)?;
        let replaced = asked.parts.extensions.get::<Replaced>().expect("the gate puts it on each request").0.clone();
        Ok(self.streams.open(slot, since, source, [ending, replaced]))
    }
}

/// What an operation has that gives pages or a stream.
pub(super) fn streamed(operation: Operation, page: Value) -> Operation {
    let event = "`text/event-stream`: `id` is a row's `seq`, `data` the row.";
    operation
        .header("Last-Event-ID", text(), "Where a stream broke.")
        .answer(200, "A page, or a stream.", page)
        .answer_of(200, event, "text/event-stream", text())
        .refusal(400, "Last-Event-ID is not a number.")
        .refusal(410, "What comes after that place is kept no longer; `oldest` says where to begin.")
}

/// Whether the caller asks for a stream of events.
pub(super) fn wants_stream(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let mut types = accepted.flat_map(|value| value.split(',')).map(|one| one.split(';').next().unwrap_or("").trim());
    types.any(|one| one.eq_ignore_ascii_case("text/event-stream"))
}

/// The place that a client had come to when its stream broke (HTML, section 9.2.4).
fn last_event(headers: &HeaderMap) -> Result<Option<Seq>, ApiError> {
    let Some(value) = headers.get("last-event-id").filter(|value| !value.is_empty()) else { return Ok(None) };
    let place = value.to_str().ok().and_then(|text| text.parse().ok()).filter(|place| *place >= 0);
    let no_place = || ApiError::new(StatusCode::BAD_REQUEST, "Last-Event-ID takes the `id` of an event, a number");
    place.map(|place| Some(Seq(place))).ok_or_else(no_place)
}

/// 410, with the oldest place from which nothing is missing.
pub(super) fn forgotten(Forgotten { oldest }: Forgotten) -> ApiError {
    let detail = format!(
        "changes after that place are kept no longer (see [retention] journal); since={oldest} gives all that are kept"
    );
    ApiError::new(StatusCode::GONE, detail).with_member("oldest", oldest.0)
}

/// All streams.
pub(in crate::api) struct Streams {
    reader: Arc<Reader>,
    /// Turns to ask the ledger, which all callers share.
    reads: Arc<Semaphore>,
    open: Mutex<Open>,
    news: broadcast::Sender<Arc<News>>,
    /// Streams that were one too many.
    refused: AtomicU64,
}

#[derive(Default)]
struct Open {
    /// By principal.
    of: HashMap<String, usize>,
    all: usize,
    /// A task reads the journal for them.
    is_fed: bool,
}

/// A stream's place among those that there may be; given back when it is dropped.
pub(in crate::api) struct Slot {
    streams: Arc<Streams>,
    of: String,
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut open = self.streams.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.all -= 1;
        if let Some(count) = open.of.get_mut(&self.of) {
            *count -= 1;
            if *count == 0 {
                open.of.remove(&self.of);
            }
        }
    }
}

impl Streams {
    pub(in crate::api) fn new(reader: Arc<Reader>, reads: Arc<Semaphore>) -> Arc<Self> {
        let news = broadcast::Sender::new(FEED_KEPT);
        Arc::new(Self { reader, reads, open: Mutex::default(), news, refused: AtomicU64::new(0) })
    }

    /// How many streams were one too many.
    pub(super) fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }

    /// Takes a place for a stream of a principal, or refuses.
    pub(in crate::api) fn enter(self: &Arc<Self>, principal: &str) -> Result<Slot, ApiError> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let own = open.of.get(principal).copied().unwrap_or(0);
        if open.all >= STREAMS_MAX || own >= STREAMS_OF_ONE_MAX {
            let detail = format!(
                "{own} streams of yours are open, and {} in all: at most {STREAMS_OF_ONE_MAX} and {STREAMS_MAX}; close some",
                open.all
            );
            self.refused.fetch_add(1, Ordering::Relaxed);
            return Err(ApiError::new(StatusCode::TOO_MANY_REQUESTS, detail).with_header(header::RETRY_AFTER, "5"));
        }
        open.all += 1;
        *open.of.entry(principal.to_owned()).or_default() += 1;
        Ok(Slot { streams: Arc::clone(self), of: principal.to_owned() })
    }

    /// Opens a stream behind a place. It ends when the caller goes, when ringback does, or when others are let in.
    pub(super) fn open(
        self: &Arc<Self>,
        slot: Slot,
        since: Seq,
        source: Arc<Source>,
        ending: [watch::Receiver<()>; 2],
    ) -> Response {
        let (pieces, waiting) = mpsc::channel(PIECES);
        let news = self.news.subscribe();
        self.feed();
        let stream = Stream { streams: Arc::clone(self), source, at: since, pieces };
        tokio::spawn(async move {
            stream.run(news, ending).await;
            drop(slot);
        });
        let headers = [
            (header::CONTENT_TYPE, "text/event-stream"),
            // nginx would keep it back until it ends.
            (header::HeaderName::from_static("x-accel-buffering"), "no"),
        ];
        (headers, Body::new(Pieces(waiting))).into_response()
    }

    /// Reads the journal for the streams that are open, while there are any.
    fn feed(self: &Arc<Self>) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if std::mem::replace(&mut open.is_fed, true) {
            return;
        }
        let streams = Arc::clone(self);
        tokio::spawn(async move {
            let mut at = None;
            loop {
                match streams.read_news(at).await {
                    Some((news, more)) => {
                        at = Some(news.next);
                        if news.next > news.after {
                            // Nobody listening is no error: they have gone.
                            let _nobody = streams.news.send(Arc::new(news));
                        }
                        if more {
                            continue;
                        }
                    }
                    None => at = None,
                }
                sleep(FEED_EVERY).await;
                let mut open = streams.open.lock().unwrap_or_else(PoisonError::into_inner);
                if open.all == 0 {
                    open.is_fed = false;
                    return;
                }
            }
        });
    }

    /// What is new behind a place; where there is none yet, the newest place. `None`: it cannot be read now.
    async fn read_news(&self, at: Option<Seq>) -> Option<(News, bool)> {
        let read = ask(&self.reads, &self.reader, move |reader| {
            let after = match at {
                Some(at) => at,
                None => reader.newest_place()?,
            };
            let page = reader.changes(Some(after), PAGE_MAX, |_| true)?;
            // A topic's row is in the ledger as soon as the entry is.
            let topics = match &page {
                Ok(page) => reader.topics_with_news(after, page.next)?,
                Err(_) => BTreeSet::new(),
            };
            Ok((after, page, topics))
        });
        match read.await? {
            Ok((after, Ok(JournalPage { rows, next, more }), topics)) => {
                let with_json = |row| {
                    let json = rendered(&row);
                    (row, json)
                };
                Some((News { after, next, rows: rows.into_iter().map(with_json).collect(), topics }, more))
            }
            Ok((_, Err(_forgotten), _)) => None,
            Err(error) => {
                unread(&error);
                None
            }
        }
    }
}

fn unread(ReadError(error): &ReadError) {
    tracing::error!(error = %ErrorChain(&**error), "the journal could not be read for the streams of events");
}

/// One stream.
struct Stream {
    streams: Arc<Streams>,
    source: Arc<Source>,
    /// How far it has come.
    at: Seq,
    pieces: mpsc::Sender<Bytes>,
}

/// Why a stream ends.
struct Ended;

impl Stream {
    async fn run(mut self, news: broadcast::Receiver<Arc<News>>, ending: [watch::Receiver<()>; 2]) {
        let [mut ends, mut replaced] = ending;
        let gone = self.pieces.clone();
        tokio::select! {
            Err(Ended) = self.follow(news) => {}
            _ = ends.changed() => {}
            _ = replaced.changed() => {}
            () = gone.closed() => {}
        }
    }

    /// Sends what was and what comes, until it ends.
    async fn follow(&mut self, mut news: broadcast::Receiver<Arc<News>>) -> Result<Infallible, Ended> {
        let first = tokio::time::Instant::now() + STREAM_COMMENT_EVERY;
        let mut comments = interval_at(first, STREAM_COMMENT_EVERY);
        comments.set_missed_tick_behavior(MissedTickBehavior::Delay);
        self.catch_up().await?;
        loop {
            let piece = tokio::select! {
                piece = news.recv() => piece,
                _ = comments.tick() => {
                    self.send(Bytes::from_static(b":\n\n")).await?;
                    continue;
                }
            };
            match piece {
                Ok(piece) if piece.after <= self.at => match &*self.source {
                    Source::Journal(wanted) => {
                        let new = piece.rows.iter().filter(|(row, _)| row.seq() > self.at && wanted.covers(row));
                        let events = events(new.map(|(row, json)| (row.seq(), json)));
                        self.send(events).await?;
                        self.at = self.at.max(piece.next);
                    }
                    Source::Topic(topic) if topic.has_one_of(piece.topics.iter()) => self.catch_up().await?,
                    Source::Topic(_) => self.at = self.at.max(piece.next),
                },
                // Something is missing in between.
                Ok(_) | Err(broadcast::error::RecvError::Lagged(_)) => self.catch_up().await?,
                Err(broadcast::error::RecvError::Closed) => return Err(Ended),
            }
        }
    }

    /// Reads the journal up to its end.
    async fn catch_up(&mut self) -> Result<(), Ended> {
        loop {
            let (source, at) = (Arc::clone(&self.source), self.at);
            let read = ask(&self.streams.reads, &self.streams.reader, move |reader| source.read(reader, at, PAGE_MAX));
            let Piece { events, next, more } = match read.await.ok_or(Ended)? {
                Ok(Ok(page)) => page,
                // It asks again, and is told so.
                Ok(Err(_forgotten)) => return Err(Ended),
                Err(error) => {
                    unread(&error);
                    return Err(Ended);
                }
            };
            self.send(events).await?;
            self.at = next;
            if !more {
                return Ok(());
            }
        }
    }

    async fn send(&self, piece: Bytes) -> Result<(), Ended> {
        if piece.is_empty() {
            return Ok(());
        }
        self.pieces.send(piece).await.map_err(|_| Ended)
    }
}

/// Rows as events.
fn events<'r>(rows: impl Iterator<Item = (Seq, &'r Bytes)>) -> Bytes {
    let mut out = Vec::new();
    for (seq, json) in rows {
        out.extend_from_slice(format!("id: {seq}\ndata: ").as_bytes());
        out.extend_from_slice(json);
        out.extend_from_slice(b"\n\n");
    }
    out.into()
}

/// A body that comes in pieces.
struct Pieces(mpsc::Receiver<Bytes>);

impl hyper::body::Body for Pieces {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.0.poll_recv(cx).map(|piece| piece.map(|piece| Ok(Frame::data(piece))))
    }
}
