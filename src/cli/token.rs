//! `ringback token`: makes a token. Nothing is written anywhere: the configuration gets its hash from whoever runs
//! this.

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser as _};
use serde_json::json;

use super::{Outcome, UsageError, output};
use crate::api::token::Token;
use crate::model::principal::Role;
use crate::model::tenant::Tenant;

/// Options of `ringback token`.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub struct TokenArgs {
    /// The principal's name [default: its role]
    #[arg(long)]
    pub name: Option<String>,
    /// What it may do
    #[arg(long, default_value = "operator", value_parser = roles())]
    pub role: Role,
    /// A tenant whose things it sees; may be given several times, and not to a super-administrator
    #[arg(long = "tenant", value_name = "NAME", value_parser = Tenant::parse)]
    pub tenants: Vec<Tenant>,
    /// Print a JSON object: name, role, tenants, token, token_sha256
    #[arg(long)]
    pub json: bool,
}

fn roles() -> impl clap::builder::TypedValueParser<Value = Role> {
    let words = PossibleValuesParser::new(Role::ALL.map(Role::as_str));
    words.map(|word| Role::parse(&word).expect("it is one of the words of the roles"))
}

const AFTER_HELP: &str = "\
Examples:
  ringback token --name store --role recorder --tenant acme
      A token for the asset store, which reports records; and what to paste into ringback.toml.
  ringback token --json | jq -r .token
      Only the token.
  curl -H \"Authorization: Bearer $TOKEN\" http://127.0.0.1:8873/v1/status
      How it is used.

The token is printed once and kept nowhere; ringback knows only its SHA-256.

Exit codes: 0 fine, 1 the system gave no random bytes, 2 bad usage.";

/// Makes a token and prints it.
///
/// # Errors
/// The system gives no random bytes, or nobody takes the output.
pub fn run(args: &TokenArgs) -> anyhow::Result<Outcome> {
    if args.role == Role::SuperAdministrator && !args.tenants.is_empty() {
        return Err(UsageError("a super-administrator has every tenant: leave --tenant out".into()).into());
    }
    let token = Token::random()?;
    let role = args.role.as_str();
    let name = args.name.as_deref().unwrap_or(role);
    if args.json {
        let (token, hash) = (token.as_str(), token.sha256_hex());
        let tenants: Vec<_> = args.tenants.iter().map(Tenant::as_str).collect();
        output::json(&json!({"name": name, "role": role, "tenants": tenants, "token": token, "token_sha256": hash}))?;
    } else {
        output::line(&format!("token (shown only now): {}\n", token.as_str()))?;
        output::line("For ringback.toml:\n")?;
        output::line(&principal_block(name, args.role, &args.tenants, &token))?;
    }
    Ok(Outcome::Fine)
}

fn principal_block(name: &str, role: Role, tenants: &[Tenant], token: &Token) -> String {
    let name = toml::Value::String(name.to_owned());
    let tenants: Vec<_> = tenants.iter().map(|tenant| format!("\"{tenant}\"")).collect();
    let tenants = match tenants.is_empty() {
        true => String::new(),
        false => format!("tenants = [{}]\n", tenants.join(", ")),
    };
    let (role, digest) = (role.as_str(), token.sha256_hex());
    format!("[[principal]]\nname = {name}\nrole = \"{role}\"\n{tenants}token_sha256 = \"{digest}\"")
}

#[cfg(test)]
mod tests {
    use super::{Token, principal_block};
    use crate::model::principal::Role;
    use crate::model::tenant::Tenant;

    #[test]
    fn the_block_is_toml_whatever_the_name() {
        let token = Token::parse("abc").expect("a token");
        let acme = Tenant::parse("acme").expect("a name");
        for name in ["store", "the \"big\" store\n", "caf\u{e9}"] {
            let block = principal_block(name, Role::Recorder, std::slice::from_ref(&acme), &token);
            let table: toml::Table = block.parse().unwrap_or_else(|error| panic!("{error}: {block}"));
            let principal = &table["principal"][0];
            assert_eq!(principal["name"].as_str(), Some(name));
            assert_eq!(principal["role"].as_str(), Some("recorder"));
            assert_eq!(principal["tenants"][0].as_str(), Some("acme"));
            assert_eq!(principal["token_sha256"].as_str(), Some(token.sha256_hex().as_str()));
        }
    }
}
