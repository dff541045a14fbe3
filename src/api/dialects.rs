//! The registration dialects: five published APIs over one subscription model, a file each. A dialect decodes what its
//! clients ask into the model, gives its deliveries their defaults, and encodes answers and errors as its clients
//! expect. What is wrong with a condition, a target or a schedule is said by the rule language, as for rule files.

mod compendium;
mod eqp;
mod form;
mod hal;
mod ids;
mod reactor;
mod registering;
mod zoom;

use super::router::Endpoint;

/// The endpoints of all dialects.
pub(super) fn endpoints() -> Vec<Endpoint> {
    [zoom::endpoints(), reactor::endpoints(), eqp::endpoints(), hal::endpoints(), compendium::endpoints()]
        .into_iter()
        .flatten()
        .collect()
}
