//! The deterministic simulation: the real engine and the real looks over a disk in memory, scripted receivers and
//! seeded faults, days of retries in milliseconds. It checks the guarantees 1 to 5 and 8, seed by seed.
//!
//! `RINGBACK_SIM_SEED=123 cargo test --test sim -- --nocapture` replays a seed with its trace;
//! `RINGBACK_SIM_SEEDS=1000 cargo test --test sim` runs more of them.
#![allow(clippy::disallowed_methods, reason = "the environment says which seeds")]

mod ages;
mod books;
mod check;
mod disk;
mod faults;
mod files;
mod instance;
mod journal;
mod ledger;
mod ops;
mod policies;
mod receiver;
mod rng;
mod source;
mod trace;
mod world;

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use world::World;

/// Seeds that each run of the tests tries; the slow suite tries 1,000 and more.
const SEEDS: u64 = 200;

/// Runs a seed; gives its trace's hash, or what broke with the last of the trace.
fn run(seed: u64, print: bool) -> Result<u64, String> {
    let mut world = World::new(seed, print);
    let why = match catch_unwind(AssertUnwindSafe(|| world.run())) {
        Ok(Ok(())) => return Ok(world.trace.hash()),
        Ok(Err(why)) => why,
        Err(panic) => match panic.downcast_ref::<String>() {
            Some(text) => format!("panic: {text}"),
            None => format!("panic: {:?}", panic.downcast_ref::<&str>()),
        },
    };
    let again = format!("RINGBACK_SIM_SEED={seed} cargo test --test sim -- --nocapture");
    Err(format!("seed {seed}: {why}\n  the end of its trace:\n{}  replay it: {again}\n", world.trace.tail()))
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().map(|text| text.parse().expect("a number"))
}

#[test]
fn the_guarantees_hold() {
    if let Some(seed) = number("RINGBACK_SIM_SEED") {
        run(seed, true).unwrap_or_else(|why| panic!("{why}"));
        return;
    }
    let first = number("RINGBACK_SIM_FIRST").unwrap_or(1);
    let end = first + number("RINGBACK_SIM_SEEDS").unwrap_or(SEEDS);
    let (next, broken) = (AtomicU64::new(first), Mutex::new(BTreeMap::new()));
    let run_some = || {
        while let seed = next.fetch_add(1, Ordering::Relaxed)
            && seed < end
        {
            if let Err(why) = run(seed, false) {
                broken.lock().expect("no panic").insert(seed, why);
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(run_some);
        }
    });
    let broken: Vec<_> = broken.into_inner().expect("no panic").into_values().collect();
    if let Some(first) = broken.first() {
        let whys: Vec<_> = broken.iter().filter_map(|why| why.lines().next()).collect();
        panic!("{first}\n{} seeds are broken:\n{}", broken.len(), whys.join("\n"));
    }
}

#[test]
fn the_same_seed_gives_the_same_trace() {
    for seed in [7, 77, 777] {
        let once = run(seed, false);
        assert!(once.is_ok(), "{once:?}");
        assert_eq!(once, run(seed, false), "seed {seed}");
    }
}
