//! The command line: what may be written, and which exit code comes of it. What the commands do is in a file each.

use std::process::ExitCode;

use clap::{Parser, Subcommand};

pub mod check;
pub mod choosing;
pub mod client;
pub mod completions;
pub mod configuration;
pub mod default_state;
pub mod deliveries;
pub mod explain;
pub mod health;
pub mod inspect;
mod keys;
pub mod listen;
pub mod log;
pub mod output;
pub mod reach;
pub mod receiver;
pub mod replay;
pub mod rescan;
pub mod rule_files;
pub mod rules;
pub mod sample_store;
pub mod serve;
pub mod server;
pub mod status;
pub mod subscriptions;
pub mod sync;
pub mod tasks;
pub mod test_rules;
pub mod token;
pub mod trigger;
pub mod try_it;
pub mod why;

/// Calls subscribers back when the files of a media asset store, or their metadata, change.
#[derive(Debug, Parser)]
#[command(name = "ringback", version, arg_required_else_help = true, after_help = AFTER_HELP)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

const AFTER_HELP: &str = "\
Begin with:
  ringback try                          see the whole loop at work, without any set-up
  ringback serve DIR --rules RULES      watch a directory by your own rules
  ringback COMMAND --help               each command's options, with examples

Exit codes: 0 fine, 1 a finding or failure, 2 bad usage.";

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Show the whole loop in one process: a sample store, a receiver, real edits, every callback
    Try(try_it::TryArgs),
    /// Run the daemon: watch, match rules, call back
    Serve(serve::ServeArgs),
    /// Receive callbacks and print them: something to build against
    Listen(listen::ListenArgs),
    /// Say why a callback for a file came, or did not
    Why(why::WhyArgs),
    /// Show how a running daemon is doing: mounts, rules, what is owed
    Status(status::StatusArgs),
    /// Show what was recorded, and go on as more is
    Log(log::LogArgs),
    /// Show what was sent, what is on its way and what was given up; try it again, or drop it
    Deliveries(deliveries::DeliveriesArgs),
    /// Send a subscription again what was given up, or everything it was sent since a given time
    Replay(replay::ReplayArgs),
    /// Show what goes on by itself, such as a replay, and end it
    Tasks(tasks::TasksArgs),
    /// Show the rules in force: where each is, when it last fired, what is wrong with their files
    Rules(rules::RulesArgs),
    /// Show who is notified; pause and resume
    Subscriptions(subscriptions::SubscriptionsArgs),
    /// Send a subscription's target one real request, with a test mark
    Trigger(trigger::TriggerArgs),
    /// Wait until every write that has finished is matched
    Sync(sync::SyncArgs),
    /// Have a path, or every mount, scanned again
    Rescan(rescan::RescanArgs),
    /// Say whether a running daemon lives, or is ready: for probes
    Health(health::HealthArgs),
    /// Check rule files and the configuration
    Check(check::CheckArgs),
    /// Say which rules would fire on a change, and why the others would not
    Explain(explain::ExplainArgs),
    /// Show the metadata that ringback reads from files, and from which source
    Inspect(inspect::InspectArgs),
    /// Run your own cases against the rules
    Test(test_rules::TestArgs),
    /// Make a token for a principal, and the configuration that lets it in
    Token(token::TokenArgs),
    /// Print what a shell needs to complete command lines
    Completions(completions::CompletionsArgs),
}

/// What came of a command that did what it was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing is wrong; warnings may have been printed.
    Fine,
    /// Something is wrong with what was looked at, and it was printed.
    Finding,
    /// `serve` refuses what it was given, and said why: starting it again changes nothing.
    Refused,
    /// `status` found no daemon that answers, and said so.
    Unreachable,
}

/// The command line makes no sense in a way that only the command itself could see.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct UsageError(pub String);

/// Runs a command.
///
/// # Errors
/// A [`UsageError`] when the command line makes no sense; anything else: the command failed.
pub fn run(cli: Cli) -> anyhow::Result<Outcome> {
    match cli.command {
        Command::Try(args) => on_runtime(try_it::run(args)),
        Command::Serve(args) => on_runtime(serve::run(args)),
        Command::Listen(args) => on_runtime(listen::run(args)).map(|()| Outcome::Fine),
        Command::Why(args) => on_runtime(why::run(args)),
        Command::Status(args) => on_runtime(status::run(args)),
        Command::Log(args) => on_runtime(log::run(args)),
        Command::Deliveries(args) => on_runtime(deliveries::run(args)),
        Command::Replay(args) => on_runtime(replay::run(args)),
        Command::Tasks(args) => on_runtime(tasks::run(args)),
        Command::Rules(args) => on_runtime(rules::run(args)),
        Command::Subscriptions(args) => on_runtime(subscriptions::run(args)),
        Command::Trigger(args) => on_runtime(trigger::run(args)),
        Command::Sync(args) => on_runtime(sync::run(args)),
        Command::Rescan(args) => on_runtime(rescan::run(args)),
        Command::Health(args) => on_runtime(health::run(args)),
        Command::Check(args) => check::run(&args),
        Command::Explain(args) => on_runtime(explain::run(args)),
        Command::Inspect(args) => inspect::run(&args),
        Command::Test(args) => test_rules::run(&args),
        Command::Token(args) => token::run(&args),
        Command::Completions(args) => completions::run(&args),
    }
}

fn on_runtime<T>(command: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(command)
}

/// Reads the command line. What is wrong with it, and help that was asked for, is printed here.
///
/// # Errors
/// There is nothing to run: the exit code.
pub fn parse() -> Result<Cli, ExitCode> {
    Cli::try_parse().map_err(|error| {
        let code = u8::try_from(error.exit_code()).unwrap_or(2);
        match error.use_stderr() && serve::logs_json(std::env::args_os()) {
            true => output::note(&serve::usage_line(&error.to_string())),
            // Where it cannot be printed there is no one to read it.
            false => drop(error.print()),
        }
        ExitCode::from(code)
    })
}

/// The exit code of what came of [`run`], and what is to be said on standard error.
#[must_use]
pub fn exit(outcome: &anyhow::Result<Outcome>) -> (ExitCode, Option<String>) {
    let (code, message) = exit_number(outcome);
    (ExitCode::from(code), message)
}

fn exit_number(outcome: &anyhow::Result<Outcome>) -> (u8, Option<String>) {
    match outcome {
        Ok(Outcome::Fine) => (0, None),
        Ok(Outcome::Finding) => (1, None),
        Ok(Outcome::Refused) => (2, None),
        Ok(Outcome::Unreachable) => (3, None),
        // Whoever reads the output has read enough (`ringback check | head`).
        Err(error) if output::is_broken_pipe(error) => (0, None),
        Err(error) if error.is::<UsageError>() => (2, Some(output::error_chain(error))),
        Err(error) => (1, Some(output::error_chain(error))),
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use anyhow::{Context as _, anyhow};
    use clap::CommandFactory as _;

    use super::{Cli, Outcome, UsageError, exit_number};

    #[test]
    fn the_command_line_is_well_formed_and_every_command_teaches() {
        let mut command = Cli::command();
        command.build();
        command.clone().debug_assert();
        for sub in command.get_subcommands().filter(|sub| sub.get_name() != "help") {
            let help = sub.get_after_help().map(ToString::to_string).unwrap_or_default();
            assert!(help.contains(&format!("ringback {}", sub.get_name())), "{} has examples", sub.get_name());
            assert!(help.contains("Exit codes: 0"), "{} tells its exit codes", sub.get_name());
        }
    }

    #[test]
    fn exit_codes() {
        let pipe = io::Error::from(io::ErrorKind::BrokenPipe);
        let cases = [
            (Ok(Outcome::Fine), 0, None),
            (Ok(Outcome::Finding), 1, None),
            (Err(anyhow!("no disk").context("it failed")), 1, Some("error: it failed\n  caused by: no disk")),
            (Err(UsageError("say what".to_owned()).into()), 2, Some("error: say what")),
            (Err(pipe).context("printing"), 0, None),
        ];
        for (outcome, code, message) in cases {
            assert_eq!(exit_number(&outcome), (code, message.map(str::to_owned)), "{outcome:?}");
        }
    }
}
