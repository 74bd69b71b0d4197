//! The required variables and hook of the dev shells.

use rnix::ast::Expr;
use rowan::ast::AstNode as _;

use super::references::{self, Package};
use crate::find::syntax::innermost;
use crate::find::syntax::plain_string;
use crate::options::{Incremental, Linker, Wrapper};
use crate::quote;
use crate::text::LineEnd;
use crate::variable::Variable;

/// The required settings of a dev shell.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ShellSettings<'a> {
    pub(crate) incremental: Incremental,
    /// The text of the shell hook, without markers.
    pub(crate) hook: &'a str,
    pub(crate) wrapper: Wrapper,
    pub(crate) linker: Linker,
    /// The argument of `lib.shellHook` for the same text.
    pub(crate) hook_options: &'a str,
    /// The expression of sccfg's package at the location of the shell, if sccfg is an input of the flake.
    pub(crate) package: Option<&'a Package>,
}

impl<'a> ShellSettings<'a> {
    /// The value of `variable` as Nix, where nixpkgs' sccache is `sccache`; `None` when only the hook
    /// sets it.
    pub(crate) fn value(self, variable: Variable, sccache: &str) -> Option<String> {
        match variable {
            Variable::RustcWrapper => Some(match self.portable_wrapper() {
                Some(package) => format!("\"${{{package}}}/libexec/sccfg/sccache\""),
                None => format!("\"${{{sccache}}}/bin/sccache\""),
            }),
            Variable::SccfgSccache => {
                self.portable_wrapper()?;
                Some(format!("\"${{{sccache}}}/bin/sccache\""))
            }
            Variable::CargoIncremental => match self.incremental {
                Incremental::Off => Some("\"0\"".to_owned()),
                Incremental::Workspace | Incremental::Auto => None,
            },
            Variable::NixCflagsLink => linker_flags(self.linker, package_set_of(sccache)?),
            Variable::CargoBuildIncremental | Variable::SccacheDir | Variable::SccacheCacheSize => {
                None
            }
        }
    }

    /// The package with the portable wrapper, where that is to be used.
    fn portable_wrapper(self) -> Option<&'a str> {
        self.package
            .filter(|_| self.wrapper == Wrapper::Portable)
            .map(|package| package.expr.as_str())
    }

    /// Whether a shell's own value of `variable` is replaced.
    pub(crate) fn decides(self, variable: Variable) -> bool {
        match variable {
            Variable::SccfgSccache => self.portable_wrapper().is_some(),
            Variable::NixCflagsLink => self.linker != Linker::System,
            _ => true,
        }
    }

    /// The lines of the hook, quoted for a Nix string: a `''` string where lines end in a line feed,
    /// otherwise a `"` string. Where sccfg is an input, the first line adds it to `PATH`, and the
    /// rest comes from its `lib`, if that is in scope.
    pub(crate) fn hook_lines(self, line_end: LineEnd) -> String {
        let path = self.package.map_or_else(String::new, |package| {
            format!("PATH=${{{}}}/bin:$PATH\n", package.expr)
        });
        if let Some(lib) = self.package.and_then(|package| package.lib.as_ref()) {
            return format!("{path}${{{lib}.shellHook {}}}", self.hook_options);
        }
        let lines = match line_end {
            LineEnd::Lf => quote::indented(self.hook, 0).trim_end().to_owned(),
            LineEnd::CrLf => {
                let quoted = self.hook.lines().map(|line| {
                    let quoted = quote::string(line);
                    quoted[1..quoted.len() - 1].to_owned()
                });
                quoted.collect::<Vec<_>>().join("\n")
            }
        };
        path + &lines
    }

    /// Whether `value` is right for `variable`.
    pub(crate) fn is_satisfied_by(self, variable: Variable, value: &Expr) -> bool {
        let value = innermost(value);
        match variable {
            Variable::RustcWrapper => {
                self.portable_wrapper().is_none()
                    && is_nixpkgs_sccache(&value.syntax().text().to_string())
            }
            // Only the portable wrapper reads it.
            Variable::SccfgSccache => self.portable_wrapper().is_none(),
            Variable::CargoIncremental => {
                let text = match &value {
                    Expr::Str(string) => plain_string(string),
                    Expr::Literal(literal) => Some(literal.syntax().text().to_string()),
                    _ => None,
                };
                self.incremental == Incremental::Off && text.as_deref() == Some("0")
            }
            _ => false,
        }
    }
}

/// The package set that has nixpkgs' `sccache`; `None` where only sccache itself is in scope.
pub(crate) fn package_set_of(sccache: &str) -> Option<&str> {
    match sccache {
        references::BY_CALL_PACKAGE => Some("(callPackage ({ pkgs }: pkgs) { })"),
        _ => sccache.strip_suffix(".sccache"),
    }
}

/// The value of `NIX_CFLAGS_LINK` that makes the compiler run `linker`, with nixpkgs at `pkgs`.
///
/// nixpkgs' tests of mold use the same flag (`passthru.tests.wrapped` in its `mold/package.nix`). `-B` instead of an
/// entry of `PATH`, because the packages have more programs. The linker has to be one that nixpkgs wrapped, which adds
/// the directories of libraries to programs: `mold-wrapped` until 2025-11, then `mold`.
///
/// GCC knows `-fuse-ld=wild` from 16.1 on (wild's `USAGE.md`), and clang any name. Older compilers keep their linker:
/// nixpkgs' `useWildLinker` makes another compiler for these, and a flag cannot do the same, because nixpkgs' wrapper puts
/// the directory with its own `ld` in front.
pub(crate) fn linker_flags(linker: Linker, pkgs: &str) -> Option<String> {
    let package = match linker {
        Linker::System => return None,
        Linker::Mold => "if p ? mold-unwrapped then p.mold else p.mold-wrapped",
        Linker::Lld => "p.llvmPackages.bintools",
        Linker::Wild => "p.wild",
    };
    let flags = format!("\"-fuse-ld={} -B${{{package}}}/bin\"", linker.name());
    let flags = match linker {
        Linker::Wild => format!(
            "(if p.stdenv.cc.isClang || p.lib.versionAtLeast p.stdenv.cc.version \"16\" then {flags} \
             else p.lib.warn \"wild links with clang, or GCC 16 or newer\" \"\")"
        ),
        _ => flags,
    };
    Some(format!(
        "\"${{(p: p.lib.optionalString p.stdenv.hostPlatform.isLinux {flags}) {pkgs}}}\""
    ))
}

/// `"${pkgs.sccache}/bin/sccache"`, `lib.getExe pkgs.sccache` and the like.
fn is_nixpkgs_sccache(text: &str) -> bool {
    let is_package = |expr: &str| {
        let expr = expr.trim();
        (expr == "sccache" || expr.ends_with(".sccache"))
            && expr
                .chars()
                .all(|c| c.is_alphanumeric() || "._-'${}".contains(c))
    };
    let is_get_exe = |expr: &str| {
        let mut words = expr.split_whitespace();
        let function = words
            .next()
            .is_some_and(|word| word == "getExe" || word.ends_with(".getExe"));
        function && words.next().is_some_and(is_package) && words.next().is_none()
    };
    let inner = text
        .strip_prefix("\"${")
        .and_then(|rest| rest.strip_suffix("\""))
        .or_else(|| {
            text.strip_prefix("''${")
                .and_then(|rest| rest.strip_suffix("''"))
        });
    match inner {
        Some(inner) => {
            inner.strip_suffix("}/bin/sccache").is_some_and(is_package)
                || inner.strip_suffix('}').is_some_and(is_get_exe)
        }
        None => is_get_exe(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_spellings_of_sccache_are_recognised() {
        for text in [
            r#""${pkgs.sccache}/bin/sccache""#,
            r#""${sccache}/bin/sccache""#,
            "lib.getExe pkgs.sccache",
            "pkgs.lib.getExe sccache",
            r#""${lib.getExe pkgs.sccache}""#,
        ] {
            assert!(is_nixpkgs_sccache(text), "{text}");
        }
        for text in [
            r#""sccache""#,
            r#""${pkgs.kache}/bin/sccache""#,
            r#""${pkgs.sccache}/bin/other""#,
            "pkgs.sccache",
            "lib.getExe pkgs.sccache or null",
        ] {
            assert!(!is_nixpkgs_sccache(text), "{text}");
        }
    }
}
