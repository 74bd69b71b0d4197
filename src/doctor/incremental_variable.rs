//! S030: `CARGO_INCREMENTAL` contradicts the policy, or makes sccache fail.

use super::context::Context;
use super::{Check, Finding, Remedy, Where};
use crate::sccfg_toml::Incremental;
use crate::shell::Change;
use sccfg_util::env;

pub(crate) static CHECK: Check = Check {
    code: "S030",
    name: "incremental compilation against the policy",
    why: "sccache never caches incremental compilation, cargo's default for the crates of a workspace",
    find,
};

const NAME: &str = "CARGO_INCREMENTAL";

fn find(context: &Context) -> Vec<Finding> {
    for name in [NAME, "CARGO_BUILD_INCREMENTAL"] {
        // sccache compares the text (`parse_arguments` in its `compiler/rust.rs`).
        if env::var(name).as_deref() == Some("1") && context.uses_sccache && !context.is_portable()
        {
            let what = format!("sccache refuses every compilation with {name}=1");
            let remedy = Remedy::Command(format!("unset {name}"));
            return vec![Finding::error(what, remedy).at(Where::Variable(name.to_owned()))];
        }
    }
    if !context.uses_sccache {
        return Vec::new();
    }
    let Some(policy) = context.incremental() else {
        return Vec::new();
    };
    let value = env::var(NAME);
    let (what, command) = match (context.session.incremental_change(policy), value) {
        (Change::Set(_, wanted), None) => (
            format!(
                "{NAME} is not set, though the policy `{}` requires {wanted}",
                policy.name()
            ),
            format!("export {NAME}={wanted}"),
        ),
        (Change::Set(_, wanted), Some(value)) if value != wanted => (
            format!(
                "{NAME} is {value}, though the policy `{}` requires {wanted}",
                policy.name()
            ),
            format!("export {NAME}={wanted}"),
        ),
        (Change::Unset(_), Some(value)) if policy != Incremental::Off => (
            format!(
                "{NAME}={value} is set, though the policy `{}` leaves it to the profiles",
                policy.name()
            ),
            format!("unset {NAME}"),
        ),
        _ => return Vec::new(),
    };
    let place = Where::Variable(NAME.to_owned());
    vec![Finding::warning(what, Remedy::Command(command)).at(place)]
}
