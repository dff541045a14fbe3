//! `when` expressions. Not read yet.

use crate::diagnostic::{Code, TextFault};
use crate::rules::condition::Expr;

/// Reads an expression. Faults and warnings are added to `faults`; there is an expression when none of them blocks.
pub fn parse(text: &str, faults: &mut Vec<TextFault>) -> Option<Expr> {
    let help = "write watchPath and watchMetadata clauses";
    faults.push(TextFault::error(Code::BadWhen, 0..text.len(), "this version reads no `when` yet", "", help));
    None
}
