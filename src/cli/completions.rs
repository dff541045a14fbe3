//! `ringback completions`: what a shell needs to complete command lines.

use std::io;

use clap::{Args, CommandFactory as _};
use clap_complete::Shell;

use super::{Cli, Outcome};

/// Options of `ringback completions`.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub struct CompletionsArgs {
    /// Which shell
    pub shell: Shell,
}

const AFTER_HELP: &str = "\
Examples:
  ringback completions bash > /etc/bash_completion.d/ringback
  ringback completions zsh > \"${fpath[1]}/_ringback\"
  ringback completions fish > ~/.config/fish/completions/ringback.fish

Exit codes: 0 done, 1 it cannot be written, 2 bad usage.";

/// Prints the script.
///
/// # Errors
/// Standard output is closed or full.
pub fn run(args: &CompletionsArgs) -> anyhow::Result<Outcome> {
    // In memory first: what it is written to may end before the script does.
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "ringback", &mut script);
    let mut out = io::stdout().lock();
    io::Write::write_all(&mut out, &script)?;
    io::Write::flush(&mut out)?;
    Ok(Outcome::Fine)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;
    use clap_complete::Shell;

    use super::Cli;

    #[test]
    fn each_shell_has_every_command() {
        let commands: Vec<_> = Cli::command().get_subcommands().map(|command| command.get_name().to_owned()).collect();
        for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "ringback", &mut script);
            let script = String::from_utf8(script).expect("text");
            let missing: Vec<_> = commands.iter().filter(|name| !script.contains(name.as_str())).collect();
            assert!(missing.is_empty(), "{shell}: {missing:?}");
        }
    }
}
