//! How much one cut reads and one batch holds. `Batching` in the model holds what a subscription may choose.

/// Most owed entries that one cut reads and folds. Keeps a cut's time and memory flat however far a subscription is
/// behind; it is also the most entries that a subscription may ask for in one batch.
pub const MAX_FOLD_READ: usize = 10_000;

/// Most bytes in a batch's body, 1 MiB: what common receivers take without being configured (nginx's
/// `client_max_body_size` is 1 MiB). A single entry that is larger goes alone.
pub const MAX_BATCH_BYTES: usize = 1 << 20;
