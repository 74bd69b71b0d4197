//! Derives and attributes of published crates that most projects use: what they expand to is shared between checkouts.
//! So is what is above a macro that may do something that differs each time, but does not.

use std::path::Path;

use super::build_scripts::contains;
use super::environment::PROC_MACRO;
use super::project::{Checkout, Project, succeeds};
use super::registry;
use super::seed::sccfg;
use crate::support::project as this_project;
use indoc::{formatdoc, indoc};
use sccfg_util::fsio;

const DEPENDENCIES: &str = indoc! {r#"
    [dependencies]
    clap = { version = "4", features = ["derive"] }
    indoc = "2"
    rstest = { version = "0.28", default-features = false, features = ["crate-name"] }
    serde = { version = "1", features = ["derive"] }
    serde_json = "1"
    thiserror = "2"
"#};

/// Also has the compiler look for sources of the standard library, to show where a text came from.
const LIB: &str = indoc! {r#"
    #[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
    #[serde(rename_all = "kebab-case")]
    pub enum Shape { Round { radius: u32 }, Square(u32) }

    #[derive(Debug, thiserror::Error)]
    pub enum Error {
        #[error("{0} is not a shape")]
        NoShape(String),
        #[error(transparent)]
        Json(#[from] serde_json::Error),
    }

    pub fn area(shape: &Shape) -> u32 {
        match shape {
            Shape::Round { radius } if *radius > 1000 => todo!("large shapes: {radius}"),
            Shape::Round { radius } => 3 * radius * radius,
            Shape::Square(0) => unreachable!("{} is refused", indoc::indoc! {"
                nothing
            "}),
            Shape::Square(side) => { assert_eq!(side % 1, 0, "{} is whole", side); side * side }
        }
    }

    #[cfg(test)]
    mod tests {
        #[rstest::rstest]
        #[case(2, 4)]
        fn squares(#[case] side: u32, #[case] area: u32) { assert_eq!(super::area(&super::Shape::Square(side)), area); }
    }
"#};

const MAIN: &str = indoc! {r#"
    #[derive(clap::Parser)]
    /// Measures shapes.
    struct Arguments {
        /// The side.
        #[arg(long, default_value_t = 3)]
        side: u32,
    }

    fn main() {
        let arguments = <Arguments as clap::Parser>::parse();
        println!("{}", shapes::area(&shapes::Shape::Square(arguments.side)));
    }
"#};

#[requires(sccache)]
#[test]
fn what_common_derives_generate_is_shared() {
    let lock = std::fs::read_to_string(this_project().join("Cargo.lock")).unwrap();
    let project = Project::new()
        .file("Cargo.lock", &lock)
        .package("shapes", DEPENDENCIES, &[("src/lib.rs", LIB)])
        .package(
            "app",
            "[dependencies]\nshapes = { path = \"../shapes\" }\nclap = { version = \"4\", features = [\"derive\"] }\n",
            &[("src/main.rs", MAIN)],
        )
        .committed();
    // rstest has cargo look for the manifest, and cargo reads the settings of git.
    let settings = "[user]\nname = A\n[include]\npath = other\n";
    for (file, text) in [(".gitconfig", settings), ("other", "[user]\nname = B\n")] {
        std::fs::write(project.sandbox.path("home").join(file), text).unwrap();
    }
    // And its own, which may be above the checkouts.
    let above = project.sandbox.path(".cargo/config.toml");
    fsio::replace_and_create_dir(&above, b"[alias]\nb = \"build\"\n").unwrap();
    project.main().cargo(&["check", "--all-targets"]).ok();
    project.main().clean();
    for checkout in [project.main(), project.linked("a/longer/path")] {
        checkout.cargo(&["check", "--all-targets"]).ok().all_hit();
    }
}

/// Macros of which some may do what differs each time: run a program, write a file, connect, read the clock, change variables, read any
/// variable or file.
const MACROS: &str = indoc! {r#"
    use proc_macro::{Literal, TokenStream, TokenTree};
    fn text(value: &str) -> TokenStream { TokenTree::Literal(Literal::string(value)).into() }
    fn unquoted(input: TokenStream) -> String { input.to_string().trim_matches('"').to_owned() }
    #[proc_macro] pub fn plain(_: TokenStream) -> TokenStream { text("plain") }
    #[proc_macro] pub fn version_of_git(_: TokenStream) -> TokenStream {
        text(&String::from_utf8(std::process::Command::new("git").arg("--version").output().unwrap().stdout).unwrap())
    }
    #[proc_macro] pub fn logged(_: TokenStream) -> TokenStream { std::fs::write("target/log", "x").unwrap(); text("logged") }
    #[proc_macro] pub fn connected(_: TokenStream) -> TokenStream {
        text(&std::net::UdpSocket::bind("127.0.0.1:0").is_ok().to_string())
    }
    #[proc_macro] pub fn timed(_: TokenStream) -> TokenStream {
        let started = std::time::Instant::now();
        text(&(started.elapsed().as_nanos() > 1).to_string())
    }
    #[proc_macro] pub fn built(_: TokenStream) -> TokenStream {
        text(&std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_nanos().to_string())
    }
    #[proc_macro] pub fn set(_: TokenStream) -> TokenStream {
        unsafe { std::env::set_var("SCCFG_TEST_SET", "x") };
        text("set")
    }
    #[proc_macro] pub fn removed(_: TokenStream) -> TokenStream {
        unsafe { std::env::remove_var("SCCFG_TEST_REMOVED") };
        text("removed")
    }
    #[proc_macro] pub fn process(_: TokenStream) -> TokenStream { text(&std::process::id().to_string()) }
    #[proc_macro] pub fn made(input: TokenStream) -> TokenStream {
        let name = unquoted(input);
        let _ = std::fs::create_dir(&name);
        let _ = std::fs::remove_dir(&name);
        text(&name)
    }
    #[proc_macro] pub fn variable(input: TokenStream) -> TokenStream {
        text(&std::env::var(unquoted(input).to_lowercase().to_uppercase()).unwrap_or_default())
    }
    #[proc_macro] pub fn content(input: TokenStream) -> TokenStream {
        text(&std::fs::read_to_string(unquoted(input)).unwrap_or_default())
    }
"#};

/// A program for each expression, below which are the macros.
fn programs(expressions: &[(&str, &str)]) -> Project {
    let project = Project::new().package("mac", PROC_MACRO, &[("src/lib.rs", MACROS)]);
    expressions
        .iter()
        .fold(project, |project, (name, expression)| {
            project.package(
                name,
                "[dependencies]\nmac = { path = \"../mac\" }\n",
                &[(
                    "src/main.rs",
                    &format!("fn main() {{ println!(\"{{}}\", {expression}); }}\n"),
                )],
            )
        })
        .committed()
}

#[requires(sccache)]
#[test]
fn only_what_uses_a_macro_that_runs_a_program_is_compiled_each_time() {
    let project = programs(&[
        ("plain", "mac::plain!()"),
        ("git", "mac::version_of_git!()"),
        ("log", "mac::logged!()"),
        ("net", "mac::connected!()"),
        ("made", "mac::made!(\"target/made\")"),
        ("timed", "mac::timed!()"),
        ("built", "mac::built!()"),
        (
            "both",
            "[mac::content!(\"/etc/passwd\"), mac::built!()].concat()",
        ),
        ("set", "mac::set!()"),
        ("removed", "mac::removed!()"),
        ("process", "mac::process!()"),
    ]);
    project.main().cargo(&["build"]).ok();
    for checkout in [project.linked("second"), project.main()] {
        checkout.clean();
        std::fs::create_dir_all(checkout.path("target")).unwrap();
        let mut built = checkout.cargo(&["build"]).ok();
        built.compiled.sort();
        built.compiled(&[
            "both bin",
            "built bin",
            "git bin",
            "log bin",
            "made bin",
            "net bin",
            "process bin",
            "removed bin",
            "set bin",
            "timed bin",
        ]);
        assert_eq!(checkout.says("plain"), "plain\n");
    }
    sccfg(&project.main(), &["explain", "git"]).stdout_has("runs git (mac)");
    sccfg(&project.main(), &["explain", "set"]).stdout_has("changes the variable SCCFG_TEST_SET");
    // It also depends on a file outside, which matters less.
    sccfg(&project.main(), &["explain", "both"]).stdout_has("reads the clock");
    sccfg(&project.main(), &["explain", "process"]).stdout_has("calls getpid");
}

/// Another crate below the macro may do what the observer notes as well.
#[requires(sccache)]
#[test]
fn the_crate_that_may_run_the_program_is_named() {
    let low = "pub fn link() -> bool { std::os::unix::fs::symlink(\"x\", \"/none/x\").is_ok() }\n";
    let macros = "#[proc_macro] pub fn run(_: proc_macro::TokenStream) -> proc_macro::TokenStream {\n\
        let _ = std::process::Command::new(\"git\").arg(\"--version\").output(); low::link().to_string().parse().unwrap() }\n";
    let manifest = format!("{PROC_MACRO}[dependencies]\nlow = {{ path = \"../low\" }}\n");
    let project = Project::new()
        .package("low", "", &[("src/lib.rs", low)])
        .package("mac", &manifest, &[("src/lib.rs", macros)])
        .package(
            "app",
            "[dependencies]\nmac = { path = \"../mac\" }\n",
            &[(
                "src/main.rs",
                "fn main() { println!(\"{}\", mac::run!()); }\n",
            )],
        )
        .committed();
    project.main().cargo(&["build"]).ok();
    sccfg(&project.main(), &["explain", "app"]).stdout_has("runs git (mac)");
}

/// A file or variable that no macro asked for changes nothing; one that it asked for does.
#[requires(sccache)]
#[test]
fn only_what_macros_asked_for_counts() {
    let project = programs(&[
        ("plain", "mac::plain!()"),
        ("named", "mac::variable!(\"SCCFG_TEST_VALUE\")"),
        ("file", "mac::content!(\"text.txt\")"),
    ]);
    let build = |checkout: &Checkout<'_>, value: &str| {
        checkout
            .with("SCCFG_TEST_VALUE", value)
            .with("SCCFG_TEST_OTHER", value)
            .cargo(&["build"])
            .ok()
    };
    let main = project.main();
    main.write("text.txt", "text");
    build(&main, "one");
    let second = project.linked("second");
    second.write("text.txt", "text");
    second.write("README.md", "Of the second.");
    build(&second, "two").compiled(&["named bin"]);
    second.clean();
    second.write("text.txt", "other");
    build(&second, "two").compiled(&["file bin"]);
    assert_eq!(second.says("named"), "two\n");
    assert_eq!(second.says("file"), "other\n");
}

/// A macro that may run a program, but did not, does the same in another checkout, unless it read a path that differs there.
#[requires(sccache)]
#[test]
fn the_sources_of_a_unit_are_listed_again_in_another_checkout_only_if_a_macro_read_its_path() {
    let project = programs(&[
        ("plain", "mac::plain!()"),
        ("file", "mac::content!(\"README.md\")"),
        ("path", "mac::variable!(\"CARGO_MANIFEST_DIR\").len()"),
        (
            "twice",
            "[mac::plain!(), env!(\"CARGO_MANIFEST_DIR\")].concat()",
        ),
    ]);
    let list = |checkout: &Checkout<'_>| {
        let (with_script, directory) = checkout.with_compiler_script(
            "case \"$emit\" in dep-info) echo \"$name\" >>$dir/listed ;; esac\n",
        );
        let built = with_script.cargo(&["build"]).ok();
        let log = directory.join("listed");
        let listed = std::fs::read_to_string(&log).unwrap();
        std::fs::remove_file(log).unwrap();
        (built, listed)
    };
    let main = project.main();
    main.write("README.md", "Read.");
    list(&main);
    let deeper = project.linked("a/longer/path");
    deeper.write("README.md", "Read.");
    let (built, listed) = list(&deeper);
    built.compiled(&["path bin"]);
    assert_eq!(listed, "path\n");
    assert_eq!(deeper.says("file"), "Read.\n");
    let package = deeper.path("crates/path");
    assert_eq!(
        deeper.says("path"),
        format!("{}\n", package.as_os_str().len())
    );
}

/// As dotenvy looks for `.env`: a file that is in no directory above the checkouts leaves them equal, wherever they are.
#[requires(sccache)]
#[test]
fn a_file_that_macros_search_upwards_counts_where_it_is() {
    let mac = indoc! {r#"
        #[proc_macro] pub fn setting(_: proc_macro::TokenStream) -> proc_macro::TokenStream {
            let package = std::env::var("CARGO_MANIFEST_DIR").unwrap();
            let mut directories = std::path::Path::new(&package).ancestors();
            let found = directories.find_map(|directory| std::fs::read_to_string(directory.join("setting.txt")).ok());
            format!("{:?}", found.unwrap_or_default()).parse().unwrap()
        }
    "#};
    let project = Project::new()
        .package("mac", PROC_MACRO, &[("src/lib.rs", mac)])
        .package(
            "app",
            "[dependencies]\nmac = { path = \"../mac\" }\n",
            &[(
                "src/main.rs",
                "fn main() { println!(\"{}\", mac::setting!()); }\n",
            )],
        )
        .committed();
    let main = project.main();
    let deeper = project.linked("a/longer/path");
    main.cargo(&["build"]).ok();
    deeper.cargo(&["build"]).ok().all_hit();
    let setting = deeper.path("../setting.txt");
    for text in ["one", "two"] {
        std::fs::write(&setting, text).unwrap();
        deeper.clean();
        deeper.cargo(&["build"]).ok().compiled(&["app bin"]);
        assert_eq!(deeper.says("app"), format!("{text}\n"));
    }
    std::fs::remove_file(&setting).unwrap();
    for checkout in [&main, &deeper] {
        checkout.clean();
        checkout.cargo(&["build"]).ok().all_hit();
        assert_eq!(checkout.says("app"), "\n");
    }
}

/// Libraries for coloured messages ask for terminals. cargo gives each compiler pipes and no input.
#[requires(sccache)]
#[test]
fn what_asks_for_a_terminal_is_shared_between_builds_of_cargo() {
    let mac = indoc! {r#"
        use std::io::{IsTerminal as _, Read as _, stderr, stdin, stdout};
        #[proc_macro] pub fn streams(_: proc_macro::TokenStream) -> proc_macro::TokenStream {
            let mut text = String::new();
            stdin().read_to_string(&mut text).unwrap();
            let terminals = (stdin().is_terminal(), stdout().is_terminal(), stderr().is_terminal());
            format!("{:?}", format!("{text} {terminals:?}")).parse().unwrap()
        }
    "#};
    let low = "pub const TEXT: &str = mac::streams!();\n";
    let project = Project::new()
        .package("mac", PROC_MACRO, &[("src/lib.rs", mac)])
        .package(
            "app",
            "[dependencies]\nmac = { path = \"../mac\" }\n",
            &[
                ("src/lib.rs", low),
                (
                    "src/main.rs",
                    "fn main() { println!(\"{}\", app::TEXT); }\n",
                ),
            ],
        )
        .committed();
    project.main().cargo(&["build"]).ok();
    let second = project.linked("second");
    second.cargo(&["build"]).ok().all_hit();
    let said = second.says("app");
    assert_eq!(said, " (false, false, false)\n");
    // Another program than cargo gives it an input.
    let built = second.left_in_deps("debug");
    let mac = built
        .iter()
        .find(|name| Path::new(name).extension() == Some("so".as_ref()));
    let mac = second.path(&format!("target/debug/deps/{}", mac.unwrap()));
    let input = project.sandbox.path("input");
    for text in ["one", "two"] {
        std::fs::write(&input, text).unwrap();
        let mut wrapper = second.command(project.wrapper());
        wrapper
            .args(["rustc", "--crate-name", "app", "--edition=2021"])
            .args(["--crate-type", "lib", "crates/app/src/lib.rs"])
            .args(["--emit=dep-info,metadata,link", "--out-dir"])
            .arg(second.path(&format!("target/{text}")))
            .arg(format!("--extern=mac={}", mac.display()))
            .stdin(std::fs::File::open(&input).unwrap());
        succeeds(&mut wrapper);
        let library = second.path(&format!("target/{text}/libapp.rlib"));
        assert!(contains(&library, &format!("{text} (false")), "{text}");
    }
    second.clean();
    second.uncached(&["build"]).ok();
    assert_eq!(second.says("app"), said);
}

/// A published crate runs a program through a macro that what is above it could call as well.
#[requires(sccache)]
#[test]
fn what_is_above_a_published_crate_that_runs_git_is_shared() {
    let project = Project::new();
    registry::package(
        &project,
        "macrocrate",
        PROC_MACRO,
        &[("src/lib.rs", MACROS)],
    );
    registry::package(
        &project,
        "lowcrate",
        "[dependencies]\nmacrocrate = \"0.1\"\n",
        &[(
            "src/lib.rs",
            "pub use macrocrate::*; pub fn text() -> &'static str { macrocrate::version_of_git!() }\n",
        )],
    );
    registry::package(
        &project,
        "highcrate",
        "[dependencies]\nlowcrate = \"0.1\"\n",
        &[(
            "src/lib.rs",
            "pub fn text() -> String { lowcrate::text().to_owned() + lowcrate::plain!() }\n",
        )],
    );
    registry::publish(&project, &["macrocrate", "lowcrate", "highcrate"]);
    let main = "fn main() { println!(\"{}{}\", highcrate::text(), lowcrate::plain!()); }\n";
    let manifest = formatdoc! {r#"
        [dependencies]
        lowcrate = "0.1"
        highcrate = "0.1"
    "#};
    let project = project.package("app", &manifest, &[("src/main.rs", main)]);
    let home = project.sandbox.path("cargo-home");
    std::fs::create_dir_all(&home).unwrap();
    let home = home.to_str().unwrap().to_owned();
    let mut lock = project.main().with("CARGO_HOME", &home).command("cargo");
    succeeds(lock.arg("generate-lockfile"));
    let project = project.committed();
    let main = project.main().with("CARGO_HOME", &home);
    main.cargo(&["build"]).ok();
    let second = project.linked("second").with("CARGO_HOME", &home);
    second.cargo(&["build"]).ok().compiled(&["lowcrate lib"]);
    assert!(second.says("app").starts_with("git version"));
}

/// The source of a published macro has a placeholder in its path, below which there is nothing.
#[requires(sccache)]
#[test]
fn a_macro_that_asks_for_the_source_of_a_published_macro_is_shared() {
    const ASKS: &str = "use proc_macro::TokenStream;\n\
        #[proc_macro] pub fn asks(input: TokenStream) -> TokenStream {\n\
        let _ = input.into_iter().next().unwrap().span().source_text();\n\"1\".parse().unwrap() }\n";
    const VIA: &str = "#[macro_export] macro_rules! via { () => { asks::asks!(word) } }\n";
    let project = Project::new();
    registry::package(&project, "published", "", &[("src/lib.rs", VIA)]);
    registry::publish(&project, &["published"]);
    let uses = "[dependencies]\nasks = { path = \"../asks\" }\npublished = \"0.1\"\n";
    let main = "fn main() { println!(\"{}\", published::via!()); }\n";
    let project = project
        .package("asks", PROC_MACRO, &[("src/lib.rs", ASKS)])
        .package("app", uses, &[("src/main.rs", main)])
        .committed();
    let build = |checkout: &Checkout<'_>| {
        let checkout = registry::with_home(&project, checkout, "cargo-home");
        let checkout = checkout.with("SCCFG_WRAPPER_HOME", "shared");
        checkout.cargo(&["build"]).ok()
    };
    build(&project.main());
    build(&project.linked("a/b/second")).all_hit();
}
