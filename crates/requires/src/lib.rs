//! `#[requires(…)]` for tests: the tools that a test needs.
//!
//! ```text
//! #[requires(nix, sccache)]
//! #[test]
//! fn a_shell_caches() { … }
//!
//! #[rstest]
//! #[requires(zsh)]
//! #[case::zsh("zsh")]
//! #[requires(fish)]
//! #[case::fish("fish")]
//! fn values_are_data(#[case] shell: &str) { … }
//! ```
//!
//! Write it above `#[test]`. With rstest, write it below `#[rstest]`: above a case for that case, or above
//! the function for all cases.
//!
//! If a tool is missing, libtest reports the test as ignored, with the reason. In strict mode
//! (`SCCFG_STRICT=1`, or `CI`) the test fails with that reason, except for requirements that cannot be
//! installed: permissions, and checkouts that a variable names. `build.rs` has the names.

use proc_macro::{Delimiter, Group, TokenStream, TokenTree};

enum Probe {
    Found,
    /// Missing, for this reason.
    Ignore(&'static str),
    /// Missing in strict mode.
    #[allow(dead_code, reason = "constructed in strict mode only")]
    Fail(&'static str),
}

include!(concat!(env!("OUT_DIR"), "/known.rs"));

/// Ignores the test, or fails it in strict mode, if one of these is missing.
#[proc_macro_attribute]
pub fn requires(names: TokenStream, test: TokenStream) -> TokenStream {
    // Below `#[test]`, the attribute would have no effect.
    if !test.to_string().contains("test]") {
        let message = "`#[requires(…)]` must be above `#[test]`, and below `#[rstest]`";
        return format!("compile_error!({message:?});").parse().unwrap();
    }
    let (mut ignored, mut failed) = (Vec::new(), Vec::new());
    for name in names {
        let TokenTree::Ident(name) = name else {
            continue;
        };
        let name = name.to_string();
        match KNOWN.iter().find(|(known, _)| *known == name) {
            Some((_, Probe::Found)) => {}
            Some((_, Probe::Ignore(reason))) => ignored.push(*reason),
            Some((_, Probe::Fail(reason))) => failed.push(*reason),
            None => {
                let known: Vec<&str> = KNOWN.iter().map(|(known, _)| *known).collect();
                let message = format!("no requirement `{name}`; known: {}", known.join(", "));
                return format!("compile_error!({message:?});").parse().unwrap();
            }
        }
    }
    // A test that cannot run here in any case is ignored, even if an installable tool is missing.
    if !ignored.is_empty() {
        let attribute = format!("#[ignore = {:?}]", ignored.join(", "));
        let mut all: TokenStream = attribute.parse().unwrap();
        all.extend(test);
        return all;
    }
    if failed.is_empty() {
        return test;
    }
    fails(test, &failed.join(", "))
}

/// The test with a panic as its first statement.
fn fails(test: TokenStream, reason: &str) -> TokenStream {
    let mut tokens: Vec<TokenTree> = test.into_iter().collect();
    if let Some(TokenTree::Group(body)) = tokens.pop() {
        let message = format!("{reason}, which strict mode requires");
        let mut statements: TokenStream = format!("if true {{ ::core::panic!({message:?}); }}")
            .parse()
            .unwrap();
        statements.extend(body.stream());
        tokens.push(TokenTree::Group(Group::new(Delimiter::Brace, statements)));
    }
    tokens.into_iter().collect()
}
