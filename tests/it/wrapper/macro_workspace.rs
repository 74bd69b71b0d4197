//! A workspace with many procedural macros, so that all cases of a test need one build of each checkout.

use super::environment::PROC_MACRO;
use super::project::{Checkout, Project, package};
use indoc::formatdoc;

/// A procedural macro that makes a text.
#[derive(Clone, Copy)]
pub(super) struct Macro {
    /// What is unusual about it.
    pub(super) what: &'static str,
    /// `fn value() -> String`, and what it needs.
    pub(super) value: &'static str,
    /// The source of a crate `helper` below this macro alone.
    pub(super) helper: Option<&'static str>,
    /// More files of its package.
    pub(super) files: &'static [(&'static str, &'static str)],
}

/// A macro whose package has no other file.
pub(super) const fn plain(what: &'static str, value: &'static str) -> Macro {
    Macro {
        what,
        value,
        helper: None,
        files: &[],
    }
}

/// A crate of macros: `it!()` is the text that `value()` returns.
pub(super) fn macro_crate(value: &str) -> String {
    formatdoc!(
        "
            use proc_macro::{{Literal, TokenStream, TokenTree}};
            #[proc_macro] pub fn it(_: TokenStream) -> TokenStream {{ TokenTree::Literal(Literal::string(&value())).into() }}
            {value}
        "
    )
}

/// A workspace with all of these: `mac0` with the library `use0` above it, and so on, and a program with the texts of
/// all. Below each macro that names them are the crates `writes` (procedural macros) and `helper`.
pub(super) fn workspace(cases: &[Macro], writes: &str, helper: &str) -> Project {
    let mut project = Project::new()
        .package("helper", "", &[("src/lib.rs", helper)])
        .package("writes", PROC_MACRO, &[("src/lib.rs", writes)]);
    let mut dependencies = String::from("[dependencies]\n");
    let mut texts = String::new();
    for (number, case) in cases.iter().enumerate() {
        let (mac, user) = (format!("mac{number}"), format!("use{number}"));
        let mut manifest = format!("{PROC_MACRO}[dependencies]\n");
        if let Some(source) = case.helper {
            let name = format!("helper{number}");
            let kind = if source.contains("#[proc_macro]") {
                PROC_MACRO
            } else {
                ""
            };
            project = project.package(&name, kind, &[("src/lib.rs", source)]);
            manifest += &format!("helper = {{ package = \"{name}\", path = \"../{name}\" }}\n");
        } else if case.value.contains("writes::") || case.value.contains("helper::") {
            manifest += "writes = { path = \"../writes\" }\nhelper = { path = \"../helper\" }\n";
        }
        project = project
            .package(&mac, "", &[("src/lib.rs", &macro_crate(case.value))])
            // C strings and `unsafe extern` are of this edition.
            .file(
                &format!("crates/{mac}/Cargo.toml"),
                &package(&mac, &manifest).replace("2021", "2024"),
            )
            .package(
                &user,
                &format!("[dependencies]\nmac = {{ package = \"{mac}\", path = \"../{mac}\" }}\n"),
                &[("src/lib.rs", "pub const TEXT: &str = mac::it!();\n")],
            );
        for (path, text) in case.files {
            project = project.file(&format!("crates/{mac}/{path}"), text);
        }
        dependencies += &format!("{user} = {{ path = \"../{user}\" }}\n");
        texts += &format!("{user}::TEXT, ");
    }
    let prints = format!(
        "fn main() {{ for text in [{texts}] {{ println!(\"{{}}\", text.trim().replace('\\n', \" \")); }} }}\n"
    );
    project.package("app", &dependencies, &[("src/main.rs", &prints)])
}

/// The texts that the macros make in this checkout, built with the wrapper.
pub(super) fn texts(checkout: &Checkout<'_>) -> Vec<String> {
    checkout.cargo(&["build"]).ok();
    printed(checkout)
}

fn printed(checkout: &Checkout<'_>) -> Vec<String> {
    checkout.says("app").lines().map(str::to_owned).collect()
}

/// Which of the macros made something else than in an uncached build of the same checkout.
pub(super) fn differing(
    cached: &[String],
    checkout: &Checkout<'_>,
    cases: &[Macro],
) -> Vec<String> {
    checkout.uncached(&["build"]).ok();
    let uncached = printed(checkout);
    assert_eq!((cached.len(), uncached.len()), (cases.len(), cases.len()));
    let mut wrong = Vec::new();
    for ((cached, uncached), case) in cached.iter().zip(&uncached).zip(cases) {
        if cached != uncached {
            wrong.push(format!("{}: {cached} instead of {uncached}", case.what));
        }
    }
    wrong
}
