//! Whole modules for devenv and devshell, with everything that sccfg sets.

use rnix::ast::Expr;
use rowan::ast::AstNode as _;

use super::devshell;
use super::edits::Edits;
use super::hook;
use super::shell_settings::ShellSettings;
use super::{Declined, SetFacts};
use crate::find::thunk::Thunk;
use crate::text::{Layout, indent_at, line_start, nested, range_of, starts_line};
use crate::variable::Variable;

/// A devenv module with these arguments that takes precedence over other modules.
pub(crate) fn devenv(settings: ShellSettings<'_>, arguments: &str, layout: Layout) -> String {
    let mut lines = vec![format!("({{ {arguments}, ... }}: {{")];
    for variable in Variable::SET {
        if let Some(value) = settings.value(variable, "pkgs.sccache") {
            lines.push(format!("  env.{variable} = lib.mkForce {value};"));
        }
    }
    let hook = hook::literal(settings, layout.line_end);
    lines.push(format!(
        "  enterShell = lib.mkBefore {};",
        nested(&hook, "  ")
    ));
    lines.push("})".to_owned());
    layout.stepped(&lines.join("\n"))
}

/// Makes the module `root`, a set, a function that takes `pkgs`.
pub(crate) fn make_function(edits: &mut Edits<'_>, root: &Expr) {
    let start = range_of(root.syntax()).start;
    let function = "{ pkgs, ... }:";
    if starts_line(edits.text(), start) {
        let line = line_start(edits.text(), start);
        edits.lines(line..line, "", function);
    } else {
        edits.inline(start..start, "", "", function);
    }
}

/// A devshell module.
pub(crate) fn devshell(settings: ShellSettings<'_>, layout: Layout) -> String {
    let mut lines = vec!["({ pkgs, ... }: {".to_owned(), "  env = [".to_owned()];
    for variable in Variable::SET {
        lines.extend(
            devshell::element(variable, settings, "pkgs.sccache")
                .map(|element| format!("    {element}")),
        );
    }
    lines.push("  ];".to_owned());
    let hook = hook::literal(settings, layout.line_end);
    lines.push(format!(
        "  {} = {};",
        devshell::STARTUP,
        nested(&hook, "  ")
    ));
    lines.push("})".to_owned());
    layout.stepped(&lines.join("\n"))
}

/// Adds a module to the list of `devenv.lib.mkShell`.
pub(crate) fn add(
    edits: &mut Edits<'_>,
    modules: &Thunk,
    settings: ShellSettings<'_>,
) -> Result<SetFacts, Declined> {
    let Expr::List(list) = &modules.expr else {
        return Err(Declined::Unclear);
    };
    let module = devenv(settings, "pkgs, lib", edits.layout());
    devshell::put_first(edits, list, &module);
    Ok(SetFacts::default())
}

/// Replaces `fromTOML file` with a `mkShell` that imports the file and a module of sccfg.
pub(crate) fn instead_of_toml(
    edits: &mut Edits<'_>,
    call: &Expr,
    devshell: &str,
    file: &Expr,
    settings: ShellSettings<'_>,
) {
    let range = range_of(call.syntax());
    let indent = edits.deeper(indent_at(edits.text(), range.start));
    let layout = edits.layout();
    let module = self::devshell(settings, layout);
    let (step, two) = (layout.step, layout.step.repeat(2));
    let body = format!(
        "({devshell}.mkShell {{\n{step}imports = [\n{two}({devshell}.importTOML {})\n{two}{}\n{step}];\n}})",
        file.syntax().text(),
        nested(&module, &two)
    );
    edits.inline(range, &indent, &indent, &body);
}
