//! Wraps a shell whose attribute set cannot be edited.
//!
//! ```nix
//! devShells.default = self'.packages.tool;
//! ```
//! becomes
//! ```nix
//! devShells.default = self'.packages.tool
//!   # >>> sccfg >>> …
//!   .overrideAttrs (old: { … })
//!   # <<< sccfg <<<
//!   ;
//! ```

use rnix::SyntaxKind;
use rnix::ast::{self, Expr};
use rowan::ast::AstNode as _;

use super::edits::Edits;
use super::hook;
use super::set::inherited_from;
use super::shell_settings::ShellSettings;
use crate::find::lexical;
use crate::quote;
use crate::text::{Layout, LineEnd, indent_at, nested, range_of, starts_line};
use crate::variable::Variable;

/// Wraps the derivation that `shell` evaluates to.
pub(crate) fn derivation(
    edits: &mut Edits<'_>,
    shell: &Expr,
    settings: ShellSettings<'_>,
    sccache: &str,
) {
    let call = overriding(settings, sccache, edits.line_end());
    let call = edits.layout().stepped(&call);
    around(edits, shell, &format!(".overrideAttrs {call}"));
}

/// Wraps the shells named `names` of the set that `shells` evaluates to.
pub(crate) fn set(
    edits: &mut Edits<'_>,
    shells: &Expr,
    names: &[String],
    settings: ShellSettings<'_>,
    sccache: &str,
) {
    let mut lines = vec!["(shells: shells // (".to_owned()];
    lines.push(with_sccache(settings, sccache, edits.line_end()));
    lines.push("  in {".to_owned());
    lines.extend(each_with_sccache(names));
    lines.push("  }))".to_owned());
    let range = range_of(shells.syntax());
    let (base, indent) = indents(edits, range.start);
    let simple = is_primary(shells);
    let body = edits.layout().stepped(&lines.join("\n"));
    let outer = needs_parentheses(shells);
    let open = match (outer, simple) {
        (true, true) => format!("({body}"),
        (true, false) => format!("({body} ("),
        (false, true) => body,
        (false, false) => format!("{body} ("),
    };
    edits.inline(range.start..range.start, &indent, &indent, &open);
    let close = format!(
        "{}{}",
        if simple { "" } else { ")" },
        if outer { ")" } else { "" }
    );
    if !close.is_empty() {
        edits.inline(range.end..range.end, &indent, &base, &close);
    }
}

/// Wraps the shells named `names` of every system of the output `shells`, or the one shell that
/// there is for each system, if `names` is empty. `sccache` is written with the name `system`.
pub(crate) fn output(
    edits: &mut Edits<'_>,
    shells: &Expr,
    names: &[String],
    settings: ShellSettings<'_>,
    sccache: &str,
) {
    let mut lines = vec!["builtins.mapAttrs (system: shells:".to_owned()];
    lines.push(with_sccache(settings, sccache, edits.line_end()));
    if names.is_empty() {
        lines.push("  in withSccache shells".to_owned());
    } else {
        lines.push("  in shells // {".to_owned());
        lines.extend(each_with_sccache(names));
        lines.push("  }".to_owned());
    }
    lines.push(") (".to_owned());
    let range = range_of(shells.syntax());
    let (base, indent) = indents(edits, range.start);
    let open = edits.layout().stepped(&lines.join("\n"));
    edits.inline(range.start..range.start, &indent, &indent, &open);
    edits.inline(range.end..range.end, &indent, &base, ")");
}

/// Replaces the shells named `names` in the outputs of a flake: `flake` is the expression of its
/// outputs, `sccache` is written with the name `system`.
pub(crate) fn outputs(
    edits: &mut Edits<'_>,
    flake: &Expr,
    names: &[String],
    settings: ShellSettings<'_>,
    sccache: &str,
) {
    let outputs = lexical::free_name(flake, &["outputs", "flakeOutputs"]);
    let with_sccache = lexical::free_name(flake, &["withSccache"]);
    let call = overriding(settings, sccache, edits.line_end());
    let is_meant = match names {
        [name] => format!("name == {}", quote::string(name)),
        names => {
            let names: Vec<String> = names.iter().map(|name| quote::string(name)).collect();
            format!("builtins.elem name [ {} ]", names.join(" "))
        }
    };
    // Shells of some frameworks are not made by nixpkgs' `mkDerivation`.
    let mut lines = vec![
        ";".to_owned(),
        format!("{with_sccache} = system: shell: (shell.overrideAttrs or (change:"),
        format!("  shell // derivation (shell.drvAttrs // change shell.drvAttrs))) {call};"),
        format!("in {outputs} // builtins.intersectAttrs {outputs} {{"),
        "  devShells = builtins.mapAttrs (system: builtins.mapAttrs (name: shell:".to_owned(),
        format!(
            "    if {is_meant} then {with_sccache} system shell else shell)) {outputs}.devShells;"
        ),
    ];
    if names.iter().any(|name| name == "default") {
        lines.push(format!(
            "  devShell = builtins.mapAttrs {with_sccache} {outputs}.devShell;"
        ));
    }
    lines.push("}".to_owned());
    let range = range_of(flake.syntax());
    let (base, indent) = indents(edits, range.start);
    let open = format!("let {outputs} =");
    edits.inline(range.start..range.start, &indent, &indent, &open);
    let close = edits.layout().stepped(&lines.join("\n"));
    edits.inline(range.end..range.end, &indent, &base, &close);
}

/// `let withSccache = shell: …;`
fn with_sccache(settings: ShellSettings<'_>, sccache: &str, line_end: LineEnd) -> String {
    let call = nested(&overriding(settings, sccache, line_end), "  ");
    format!("  let withSccache = shell: shell.overrideAttrs {call};")
}

/// `default = withSccache shells.default;`
fn each_with_sccache(names: &[String]) -> impl Iterator<Item = String> {
    names.iter().map(|name| {
        let name = quote::attribute(name);
        format!("    {name} = withSccache shells.{name};")
    })
}

/// Adds `module` next to the module that `shell` evaluates to.
pub(crate) fn module(edits: &mut Edits<'_>, shell: &Expr, module: &str) {
    let range = range_of(shell.syntax());
    let (base, indent) = indents(edits, range.start);
    edits.inline(
        range.start..range.start,
        &indent,
        &indent,
        "{ imports = [ (",
    );
    let close = format!(") {module} ]; }}");
    edits.inline(range.end..range.end, &indent, &base, &close);
}

/// The binding that replaces an inherited shell.
pub(crate) fn inherited(
    name: &str,
    inherit: &ast::Inherit,
    settings: ShellSettings<'_>,
    sccache: &str,
    layout: Layout,
) -> String {
    let name = quote::attribute(name);
    let value = match inherit.from() {
        None => name.clone(),
        Some(from) => format!("{}.{name}", inherited_from(&from)),
    };
    format!(
        "{name} = {value}.overrideAttrs {};",
        layout.stepped(&overriding(settings, sccache, layout.line_end))
    )
}

/// `(old: { … })`: the variables, and the hook before the shell's own.
fn overriding(settings: ShellSettings<'_>, sccache: &str, line_end: LineEnd) -> String {
    let mut lines = vec!["(old: {".to_owned()];
    let mut names = Vec::new();
    for variable in Variable::SET {
        if let Some(value) = settings.value(variable, sccache) {
            lines.push(format!("  {variable} = {value};"));
            names.push(format!("\"{variable}\""));
        }
    }
    let hook = hook::literal(settings, line_end);
    lines.push(format!(
        "  shellHook = {} + (old.shellHook or \"\");",
        nested(&hook, "  ")
    ));
    // nixpkgs refuses an attribute that is also in `env`.
    lines.push("} // (if old ? env then {".to_owned());
    lines.push(format!(
        "  env = removeAttrs old.env [ {} ];",
        names.join(" ")
    ));
    lines.push("} else { }))".to_owned());
    lines.join("\n")
}

/// The indentation of the line before the expression at `offset`, and of what is added around it.
fn indents(edits: &Edits<'_>, offset: usize) -> (String, String) {
    let text = edits.text();
    let own = indent_at(text, offset).to_owned();
    if starts_line(text, offset) {
        // `name =`, and the expression on the next line
        let outer = own
            .strip_suffix(edits.layout().step)
            .or(own.strip_suffix("  "))
            .or(own.strip_suffix('\t'))
            .unwrap_or(&own);
        return (outer.to_owned(), own);
    }
    let deeper = edits.deeper(&own);
    (own, deeper)
}

/// Adds `suffix` to an expression, with parentheses where they are needed.
fn around(edits: &mut Edits<'_>, shell: &Expr, suffix: &str) {
    let range = range_of(shell.syntax());
    let (base, indent) = indents(edits, range.start);
    let outer = needs_parentheses(shell);
    let simple = is_primary(shell);
    let open = "(".repeat(usize::from(outer) + usize::from(!simple));
    if !open.is_empty() {
        edits.inline(range.start..range.start, &indent, &indent, &open);
    }
    let close = format!(
        "{}{suffix}{}",
        if simple { "" } else { ")" },
        if outer { ")" } else { "" }
    );
    edits.inline(range.end..range.end, &indent, &base, &close);
}

/// Whether `.attribute` can follow the expression directly.
fn is_primary(expr: &Expr) -> bool {
    match expr {
        Expr::Ident(_) | Expr::Paren(_) => true,
        Expr::Select(select) => select.default_expr().is_none(),
        _ => false,
    }
}

/// Whether a call in place of the expression needs parentheses.
fn needs_parentheses(expr: &Expr) -> bool {
    expr.syntax().parent().is_some_and(|parent| {
        matches!(
            parent.kind(),
            SyntaxKind::NODE_APPLY | SyntaxKind::NODE_LIST | SyntaxKind::NODE_SELECT
        )
    })
}
