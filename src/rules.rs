//! To come.
use crate::model::{change::Change, metadata::Metadata, subscription::Subscription};
/// x
#[derive(Debug)]
pub struct Rule {
    /// x
    pub subscription: std::sync::Arc<Subscription>,
}
/// x
#[derive(Debug, Default)]
pub struct RuleSet {
    /// x
    pub rules: Vec<Rule>,
}
impl RuleSet {
    /// x
    #[must_use]
    pub fn matching(&self, _: &Change, _: &Metadata) -> Vec<usize> {
        vec![]
    }
}
