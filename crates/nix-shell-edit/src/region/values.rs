//! Whether the values in a region are ones that sccfg writes, for some `sccfg.toml`.
//!
//! A region is replaced as a whole, so a value that a user changed there would be lost.

use rnix::SyntaxKind::{
    self, TOKEN_ASSIGN, TOKEN_COMMENT, TOKEN_DOT, TOKEN_INTERPOL_END, TOKEN_INTERPOL_START,
    TOKEN_STRING_CONTENT, TOKEN_STRING_END, TOKEN_STRING_START, TOKEN_WHITESPACE,
};

use super::scan::Token;
use crate::change::shell_settings::linker_flags;
use crate::options::Linker;
use crate::variable::Variable;

/// A token, or a whole string literal.
#[derive(Debug)]
struct Item {
    start: usize,
    /// `TOKEN_STRING_START` for a string.
    kind: SyntaxKind,
    text: String,
}

impl Item {
    fn is_string(&self) -> bool {
        self.kind == TOKEN_STRING_START
    }

    /// The name that an attribute path gives here.
    fn name(&self) -> &str {
        self.text.trim_matches('"')
    }
}

/// The offset of the first value in `inside`, the tokens of a region, that sccfg does not write
/// there. `is_recorded` tells whether a string is in the region's record.
pub(super) fn foreign_value(
    inside: &[Token<'_>],
    is_recorded: &dyn Fn(&str) -> bool,
) -> Option<usize> {
    let items = items(inside);
    let in_binding = (0..items.len())
        .filter(|&index| items[index].kind == TOKEN_ASSIGN)
        .filter_map(|equals| foreign_binding(&items, equals));
    let alone = (0..items.len())
        .filter(|&index| items[index].is_string() && !is_recorded(items[index].name()))
        .filter(|&index| is_foreign_string(&items, index))
        .map(|index| items[index].start);
    in_binding.chain(alone).min()
}

/// Tokens without white space and comments, each string as one item. A string that starts before
/// the region is left out.
fn items(inside: &[Token<'_>]) -> Vec<Item> {
    let mut items: Vec<Item> = Vec::new();
    let mut open_strings = 0_usize;
    let mut outside_interpolations = 0_usize;
    for token in inside {
        let starts = token.kind == TOKEN_STRING_START;
        if open_strings > 0 {
            if let Some(item) = items.last_mut() {
                item.text.push_str(token.text);
            }
        } else if outside_interpolations == 0
            && !matches!(
                token.kind,
                TOKEN_WHITESPACE
                    | TOKEN_COMMENT
                    | TOKEN_STRING_CONTENT
                    | TOKEN_STRING_END
                    | TOKEN_INTERPOL_START
                    | TOKEN_INTERPOL_END
            )
        {
            items.push(Item {
                start: token.start,
                kind: token.kind,
                text: token.text.to_owned(),
            });
        }
        match token.kind {
            TOKEN_STRING_START if open_strings > 0 || starts => open_strings += 1,
            TOKEN_STRING_END => open_strings = open_strings.saturating_sub(1),
            TOKEN_INTERPOL_START if open_strings == 0 => outside_interpolations += 1,
            TOKEN_INTERPOL_END if open_strings == 0 => {
                outside_interpolations = outside_interpolations.saturating_sub(1);
            }
            _ => {}
        }
    }
    items
}

/// The offset of what is foreign in `path = value;`, where `equals` is the index of its `=`.
fn foreign_binding(items: &[Item], equals: usize) -> Option<usize> {
    let mut first = equals.checked_sub(1)?;
    while first >= 2 && items[first - 1].kind == TOKEN_DOT {
        first -= 2;
    }
    let path: Vec<&str> = items[first..equals]
        .iter()
        .filter(|item| item.kind != TOKEN_DOT)
        .map(Item::name)
        .collect();
    let value = value_items(&items[equals + 1..]);
    let start = value.first().map_or(items[equals].start, |item| item.start);
    let texts: Vec<&str> = value.iter().map(|item| item.text.as_str()).collect();
    let name = path.last().copied().unwrap_or_default();
    let is_ours = match name.trim_end_matches('\'') {
        "value" => {
            let variable = element_name(&items[..first]).and_then(Variable::from_name);
            variable.is_some_and(|variable| is_value(variable, value))
        }
        "name" => {
            matches!(value, [item] if item.is_string()) || texts.starts_with(&["withSccache"])
        }
        "env" => matches!(texts.first(), Some(&("[" | "removeAttrs"))),
        "shellHook" | "enterShell" | "text" => without_module_function(value)
            .first()
            .is_some_and(Item::is_string),
        "imports" => texts.first() == Some(&"["),
        "sccfg" => path.len() == 1 && texts.first() == Some(&"{"),
        "url" | "follows" => {
            let is_declared = matches!(
                path.as_slice(),
                ["url"]
                    | ["sccfg", "url"]
                    | ["inputs", "sccfg", "url"]
                    | ["inputs", "nixpkgs", "follows"]
                    | ["inputs", "sccfg", "inputs", "nixpkgs", "follows"]
            );
            if !is_declared {
                return Some(items[first].start);
            }
            matches!(value, [item] if item.is_string())
        }
        // The value follows the region: `let outputs =`.
        "outputs" | "flakeOutputs" => value.is_empty(),
        "withSccache" => {
            texts.starts_with(&["shell", ":"]) || texts.starts_with(&["system", ":", "shell", ":"])
        }
        "devShells" | "devShell" => texts.starts_with(&["builtins", ".", "mapAttrs"]),
        _ => match Variable::from_name(name) {
            Some(variable) => is_value(variable, value),
            // A shell: `default = withSccache shells.default;`, `ci = x.ci.overrideAttrs …`
            None if texts.first() == Some(&"withSccache") || texts.contains(&"overrideAttrs") => {
                true
            }
            None => return items.get(first).map(|item| item.start),
        },
    };
    (!is_ours).then_some(start)
}

/// The items before the `;` that ends a value.
fn value_items(rest: &[Item]) -> &[Item] {
    let mut depth = 0_usize;
    for (index, item) in rest.iter().enumerate() {
        match item.kind {
            SyntaxKind::TOKEN_L_BRACE | SyntaxKind::TOKEN_L_BRACK | SyntaxKind::TOKEN_L_PAREN => {
                depth += 1;
            }
            SyntaxKind::TOKEN_R_BRACE | SyntaxKind::TOKEN_R_BRACK | SyntaxKind::TOKEN_R_PAREN => {
                match depth.checked_sub(1) {
                    Some(less) => depth = less,
                    None => return &rest[..index],
                }
            }
            SyntaxKind::TOKEN_SEMICOLON if depth == 0 => return &rest[..index],
            _ => {}
        }
    }
    rest
}

/// The name in `name = "NAME";`, which ends `before`.
fn element_name(before: &[Item]) -> Option<&str> {
    match before {
        [.., name, equals, text, semicolon]
            if name.text == "name"
                && equals.kind == TOKEN_ASSIGN
                && text.is_string()
                && semicolon.text == ";" =>
        {
            Some(text.name())
        }
        _ => None,
    }
}

/// `lib.mkForce value` → `value`
fn without_module_function(value: &[Item]) -> &[Item] {
    match value {
        [lib, dot, function, rest @ ..]
            if lib.text == "lib"
                && dot.kind == TOKEN_DOT
                && matches!(function.text.as_str(), "mkForce" | "mkBefore") =>
        {
            rest
        }
        _ => value,
    }
}

/// Whether sccfg gives `variable` this value.
fn is_value(variable: Variable, value: &[Item]) -> bool {
    let [text] = without_module_function(value) else {
        return false;
    };
    let program = |directory: &str| {
        let inner = text.text.strip_prefix("\"${")?;
        inner.strip_suffix(&format!("}}/{directory}/sccache\""))
    };
    match variable {
        Variable::RustcWrapper => {
            program("bin").is_some_and(is_sccache_package)
                || program("libexec/sccfg").is_some_and(is_sccfg_package)
        }
        Variable::SccfgSccache => program("bin").is_some_and(is_sccache_package),
        Variable::CargoIncremental => text.text == "\"0\"",
        Variable::NixCflagsLink => is_linker_flags(&text.text),
        Variable::CargoBuildIncremental | Variable::SccacheDir | Variable::SccacheCacheSize => {
            false
        }
    }
}

/// The flags for some linker and package set, whatever the white space in it.
fn is_linker_flags(text: &str) -> bool {
    let joined = |text: &str| text.split_whitespace().collect::<String>();
    Linker::SET.into_iter().any(|linker| {
        // The package set is last.
        let flags = linker_flags(linker, "").unwrap_or_default();
        let Some(start) = flags.strip_suffix("}\"") else {
            return false;
        };
        joined(text).starts_with(&joined(start)) && text.ends_with("}\"")
    })
}

/// `pkgs.sccache`, `inputs.nixpkgs.legacyPackages.${system}.sccache`, `(import …).sccache` and
/// what `callPackage` gives.
fn is_sccache_package(expr: &str) -> bool {
    let expr: String = expr.split_whitespace().collect();
    let is_path = |expr: &str| {
        expr.chars()
            .all(|c| c.is_alphanumeric() || "._-'\"${}".contains(c))
    };
    expr == "sccache"
        || expr == "(callPackage({sccache}:sccache){})"
        || expr.ends_with(".sccache") && (is_path(&expr) || expr.starts_with('('))
}

/// `sccfg.packages.${system}.default`, `inputs'.sccfg.packages.default`
fn is_sccfg_package(expr: &str) -> bool {
    let expr: String = expr.split_whitespace().collect();
    expr.ends_with(".default") && expr.contains("sccfg.packages.")
}

/// Whether a string that is no value of a binding is not sccfg's. Hooks of several lines are
/// judged line by line elsewhere.
fn is_foreign_string(items: &[Item], index: usize) -> bool {
    let text = |index: usize| items.get(index).map_or("", |item| item.text.as_str());
    let before = index.checked_sub(1).map_or("", text);
    let after = text(index + 1);
    match before {
        // Bindings, names of attributes and parts of hooks are checked elsewhere.
        "=" | "." | "+" | "mkForce" | "mkBefore" | "==" => false,
        _ if matches!(after, "=" | "." | "+") => false,
        "or" => text(index) != "\"\"",
        _ => match list_around(items, index) {
            Some(open) if text(open.wrapping_sub(2)) == "elem" => false,
            Some(open) if text(open.wrapping_sub(4)) == "removeAttrs" => {
                Variable::from_name(items[index].name()).is_none()
            }
            _ => !text(index).contains('\n'),
        },
    }
}

/// The index of the `[` of the list of strings that the string at `index` is in.
fn list_around(items: &[Item], index: usize) -> Option<usize> {
    let open = items[..index].iter().rposition(|item| !item.is_string())?;
    (items[open].text == "[").then_some(open)
}
