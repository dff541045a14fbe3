//! The limits of the HTTP edge, each with its name. At a limit the caller is told; nothing is dropped silently.

use std::time::Duration;

/// Connections served at once, half of what a process may have open by default. More wait in the listener's backlog.
pub const CONNECTIONS_MAX: usize = 512;

/// How long a caller may take to send a request's head, and how long an idle connection is kept: nobody keeps a place
/// among [`CONNECTIONS_MAX`] by being slow.
pub const HEAD_MAX: Duration = Duration::from_secs(10);

/// Bytes of a request's head: room for any token, and little memory for all connections.
pub const HEAD_BYTES_MAX: usize = 64 * 1024;

/// How long a caller may take to send a request's body: the largest comes in time at 3 Mbit/s.
pub const BODY_MAX: Duration = Duration::from_secs(30);

/// Bytes of a `POST /v1/records` body, 8 MiB: 800 for each of [`RECORDS_MAX`] records.
pub const RECORDS_BYTES_MAX: usize = 8 * 1024 * 1024;

/// Records in one `POST /v1/records`: they are recorded in one transaction, which others wait for.
pub const RECORDS_MAX: usize = 10_000;

/// Bytes of a reported event's `entity`, written compactly: many of them fit a batch of 1 MiB.
pub const ENTITY_BYTES_MAX: usize = 64 * 1024;

/// Characters of a reported event's `displayName`: it is a line for people.
pub const DISPLAY_NAME_CHARS_MAX: usize = 500;

/// Bytes of a `POST /v1/hints` body, 1 MiB: 1,000 for each of [`HINTED_PATHS_MAX`] paths.
pub const HINTS_BYTES_MAX: usize = 1024 * 1024;

/// Paths in one `POST /v1/hints`: the calls that wait for the engine stay small in memory, and a store that has written
/// more sends several, or the directory above.
pub const HINTED_PATHS_MAX: usize = 1_000;

/// Requests with records or hints that are read and parsed at once. More wait, so that bodies cannot fill the memory.
pub const RECORDS_REQUESTS_MAX: usize = 32;

/// Deliveries, or subscriptions, with which something is done before the caller is answered: half a second of work.
/// With more of them a task does it.
pub const CHOSEN_AT_ONCE_MAX: u64 = 1_000;

/// Trials of targets under way at once (`POST /v1/subscriptions/{id}/test`): they wait for no slot, so they are few.
pub const TRIALS_MAX: usize = 4;

/// Bytes of a body that registers, in any dialect: what is kept of one may be as long.
pub const REGISTRATION_BYTES_MAX: usize = 64 * 1024;

/// Callbacks of one eqp user, each counted for each of the user's tenants: the list is replaced in one transaction,
/// which others wait for.
pub const EQP_CALLBACKS_MAX: usize = 100;

/// Audit events that are listed, of the newest: a page is one of them, and counting more takes longer than a reader
/// may.
pub const AUDIT_EVENTS_MAX: usize = 10_000;

/// Ids in one list of zoom, which has no pages: 16 MiB of the longest ids, and more than anybody registers by hand.
pub const REGISTERED_MAX: u64 = 400_000;

/// Faults listed in one problem; the rest are counted.
pub const FAULTS_MAX: usize = 100;

/// Bytes of a `POST /v1/rescan` body: the longest path, with each byte escaped, takes less.
pub const RESCAN_BYTES_MAX: usize = 64 * 1024;

/// Bytes of a body that is ignored (`POST /v1/sync`): some clients send one with each `POST`, and it is short.
pub const IGNORED_BYTES_MAX: usize = 64 * 1024;

/// Bytes of a refused request's body that are still read, so that the caller gets to the answer: who closes a
/// connection with unread bytes resets it.
pub const DISCARDED_BYTES_MAX: usize = 64 * 1024 * 1024;

/// How long a refused request's body is still read, so that a slow one does not keep its connection.
pub const DISCARD_MAX: Duration = Duration::from_secs(10);

/// Characters of a caller's own text that a message repeats, so that the message can be read.
pub const ECHO_CHARS_MAX: usize = 80;

/// Characters of an `Idempotency-Key`: a UUID and more, and a million of them are kept.
pub const IDEMPOTENCY_KEY_MAX: usize = 255;

/// Wrong credentials that one address may show in [`WRONG_CREDENTIALS_WINDOW`] before further wrong ones get 429.
pub const WRONG_CREDENTIALS_MAX: usize = 5;

/// See [`WRONG_CREDENTIALS_MAX`].
pub const WRONG_CREDENTIALS_WINDOW: Duration = Duration::from_secs(1);

/// Addresses whose wrong credentials are counted one by one. Past it, new ones share one count.
pub const WRONG_ADDRESSES_MAX: usize = 4_096;

/// How long requests under way may take to end after the shutdown began. The daemon drains within 10 s in all.
pub const DRAIN_MAX: Duration = Duration::from_secs(5);

/// How long accepting rests after the system refused a connection (no file descriptors left, say).
pub const ACCEPT_REST: Duration = Duration::from_millis(100);

/// How long `POST /v1/rescan` waits for the word on whether there is anything to scan; a mount that does not answer for
/// longer is scanned when it does.
pub const BEGIN_MAX: Duration = Duration::from_secs(5);

/// How long `GET /v1/why` waits for the engine, and then for the disk: an answer that says what could not be asked is
/// better at night than none.
pub const WHY_MAX: Duration = Duration::from_secs(3);

/// Questions to the ledger at once: one that reads from a slow disk leaves the others room, and more would only wait
/// for one another. More questions wait.
pub const READS_MAX: usize = 4;

/// Rows of a page unless a caller says how many.
pub const PAGE: usize = 100;

/// Rows of a page.
pub const PAGE_MAX: usize = 1_000;

/// Subscriptions that one page looks at, whether or not it shows them.
pub const SUBSCRIPTIONS_WALK_MAX: usize = 2_000;

/// Bytes of a body about deliveries or subscriptions: a few short fields, and a reason.
pub const SELECTION_BYTES_MAX: usize = 16 * 1024;

/// Characters of a reason that a caller gives: it stands in the status and in an event.
pub const REASON_CHARS_MAX: usize = 500;

/// Event streams at once: each costs a task and a connection.
pub const STREAMS_MAX: usize = 256;

/// Event streams of one principal at once, so that one caller who forgets to close them leaves the others theirs.
pub const STREAMS_OF_ONE_MAX: usize = 64;

/// How often a stream without news gets a comment, so that proxies keep it open and a dead peer is noticed.
pub const STREAM_COMMENT_EVERY: Duration = Duration::from_secs(15);

/// How often the journal is read for all streams together: news are at most so old when they go out.
pub const FEED_EVERY: Duration = Duration::from_millis(50);

/// Pieces of news that are kept for a stream whose peer reads slowly; then it reads the journal by itself.
pub const FEED_KEPT: usize = 64;

/// Bytes of a `POST /v1/explain` body, 256 KiB: a rule's text with each character escaped, and metadata.
pub const EXPLAIN_BYTES_MAX: usize = 256 * 1024;

/// Bytes of a rule's text in a `POST /v1/explain`, 64 KiB: some hundred rules; more are a file for `ringback check`.
pub const EXPLAIN_RULE_BYTES_MAX: usize = 64 * 1024;

/// Changes of the journal that one `POST /v1/explain` tries rules on: about a second.
pub const EXPLAIN_JOURNAL_MAX: usize = 10_000;

/// Bytes of metadata that a `POST /v1/explain` over the journal holds, 64 MiB; it reads no further than that.
pub const EXPLAIN_STATE_BYTES_MAX: usize = 64 * 1024 * 1024;
