//! Modules of devenv and devshell as a whole: the literal set of one, and one of sccfg's own.

use rnix::ast::Expr;

use super::derivation::{Declined, SetFacts};
use super::devshell;
use super::eval::{Eval, Thunk};
use super::files::Files;
use super::hook;
use super::text::{Edits, LineEnd, nested};
use super::vars::{Variable, Wanted};

/// The literal set of a module: `{ … }`, `{ pkgs, … }: { … }`, or what a file holds.
pub(crate) fn literal(files: &mut Files<'_>, module: &Thunk) -> Option<Thunk> {
    let mut eval = Eval::new(files);
    let mut value = eval.follow(module);
    if let Some(imported) = eval.imported(&value) {
        value = eval.follow(&imported);
    }
    while let Expr::Lambda(lambda) = &value.expr {
        value = eval.follow(&value.beside(lambda.body()?));
    }
    matches!(value.expr, Expr::AttrSet(_)).then_some(value)
}

/// A devenv module with all that sccfg sets.
pub(crate) fn devenv(wanted: Wanted<'_>, sccache: &str, line_end: LineEnd) -> String {
    let mut lines = vec!["{".to_owned()];
    for variable in Variable::ALL {
        if let Some(value) = wanted.value(variable, sccache) {
            lines.push(format!("  env.{variable} = {value};"));
        }
    }
    let hook = hook::literal(wanted, line_end);
    lines.push(format!("  enterShell = {};", nested(&hook, "  ")));
    lines.push("}".to_owned());
    lines.join("\n")
}

/// A devshell module with all that sccfg sets.
pub(crate) fn devshell(wanted: Wanted<'_>, sccache: &str, line_end: LineEnd) -> String {
    let mut lines = vec!["{".to_owned(), "  env = [".to_owned()];
    for variable in Variable::ALL {
        lines.extend(
            devshell::element(variable, wanted, sccache).map(|element| format!("    {element}")),
        );
    }
    lines.push("  ];".to_owned());
    let hook = hook::literal(wanted, line_end);
    lines.push(format!(
        "  devshell.startup.sccfg.text = {};",
        nested(&hook, "  ")
    ));
    lines.push("}".to_owned());
    lines.join("\n")
}

/// Puts a module first into the list of `devenv.lib.mkShell`.
pub(crate) fn add(
    edits: &mut Edits<'_>,
    modules: &Thunk,
    wanted: Wanted<'_>,
    sccache: &str,
) -> Result<SetFacts, Declined> {
    let Expr::List(list) = &modules.expr else {
        return Err(Declined::Unclear);
    };
    let module = devenv(wanted, sccache, edits.line_end());
    devshell::put_first(edits, list, &module);
    Ok(SetFacts::default())
}
