//! Procedural macros that hide what they read: behind other macros, other crates, other languages, or names that are
//! put together while they run. What is delivered must be what an uncached build makes here and now.

use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::PermissionsExt as _;

use super::command::said;
use super::environment::PROC_MACRO;
use super::macro_workspace::{Macro, differing, plain, texts, workspace};
use super::project::{Checkout, Project, real_rustc, succeeds};
use indoc::indoc;

/// Macros that write the code of the macros above them.
const WRITES: &str = indoc! {r#"
    use proc_macro::TokenStream;

    fn code(name: &str) -> TokenStream {
        let parts = ["std", "env", "var"];
        format!("{}({name:?}).unwrap()", parts.join(":").replace(':', "\u{3a}\u{3a}")).parse().unwrap()
    }
    /// Writes what no text in it says.
    #[proc_macro] pub fn reads(_: TokenStream) -> TokenStream { code("SCCFG_TEST_VALUE") }
    /// Takes a text for code.
    #[proc_macro] pub fn runs(input: TokenStream) -> TokenStream {
        input.to_string().trim_matches('"').replace(';', "\u{3a}\u{3a}").replace('\'', "\"").parse().unwrap()
    }
    /// Leaves the arguments as they are.
    #[proc_macro] #[doc(hidden)] pub fn quote(input: TokenStream) -> TokenStream { input }
    /// Keeps items that are not compiled otherwise.
    #[proc_macro_attribute] pub fn keeps(_: TokenStream, item: TokenStream) -> TokenStream {
        item.to_string().replace("test", "all()").parse().unwrap()
    }
    /// Joins names.
    #[proc_macro] pub fn joins(input: TokenStream) -> TokenStream {
        let text: String = input.into_iter().map(|token| token.to_string()).collect();
        text.replace('.', "\u{3a}\u{3a}").replace('!', "(\"SCCFG_TEST_VALUE\").unwrap()").parse().unwrap()
    }
    /// Takes a comment for code.
    #[proc_macro_attribute] pub fn documented(_: TokenStream, item: TokenStream) -> TokenStream {
        let text = item.to_string();
        let code = text.split('`').nth(1).unwrap();
        format!("fn value() -> String {{ {code} }}").parse().unwrap()
    }
"#};

const HELPER: &str = indoc! {r"
    pub fn open(path: &str) -> impl std::io::Read { std::fs::File::open(path).unwrap() }
    pub fn path(path: &str) -> std::path::PathBuf { path.into() }
    pub trait Source { fn text(&self) -> String; }
    impl Source for &str { fn text(&self) -> String { GET.with(|get| get(self)) } }
    thread_local! { static GET: fn(&str) -> String = |name| std::env::var(name).unwrap(); }
"};

/// Each of these reads the variable `SCCFG_TEST_VALUE`.
const VARIABLES: &[Macro] = &[
    plain(
        "a macro writes it in parts",
        "fn value() -> String { writes::reads!() }",
    ),
    plain(
        "a macro takes a text for code",
        "fn value() -> String { writes::runs!(\"std;env;var('SCCFG_TEST_VALUE').unwrap()\") }",
    ),
    plain(
        "a macro that is called quote",
        "use writes::quote;\nfn value() -> String { quote! { std::env::var(\"SCCFG_TEST_VALUE\").unwrap() } }",
    ),
    plain(
        "an attribute keeps what is not compiled",
        "#[writes::keeps] mod a { #[cfg(test)] pub fn value() -> String { std::env::vars().find(|it| it.0.ends_with(\"VALUE\")).unwrap().1 } }\nuse a::value;",
    ),
    plain(
        "an attribute keeps a statement that is not compiled",
        "#[writes::keeps] fn value() -> String { #[cfg(test)] { return std::env::vars().find(|it| it.0.ends_with(\"TEST_VALUE\")).unwrap().1; } #[allow(unreachable_code)] String::new() }",
    ),
    plain(
        "a macro joins names",
        "fn value() -> String { writes::joins!(s t d . e nv . v ar !) }",
    ),
    plain(
        "a macro takes a comment for code",
        "/// `std::env::vars().find(|it| it.0.ends_with(\"TEST_VALUE\")).unwrap().1`\n#[writes::documented] fn _f() {}",
    ),
    plain(
        "a trait of another crate, and a function in a static",
        "use helper::Source as _;\nfn value() -> String { \"SCCFG_TEST_VALUE\".text() }\nconst _: fn(&str) -> std::path::PathBuf = helper::path;",
    ),
    plain(
        "another macro defines quote",
        "macro_rules! define { ($n:ident $d:tt) => { macro_rules! $n { ($d($d t:tt)*) => { $d($d t)* } } } }\ndefine!(quote $);\nfn value() -> String { quote! { std::env::var(\"SCCFG_TEST_VALUE\").unwrap() } }",
    ),
    plain(
        "another cfg",
        "macro_rules! cfg { ($($t:tt)*) => { true } }\nfn value() -> String { if !cfg!(feature = \"x\") { return String::new(); } std::env::vars().find(|it| it.0.ends_with(\"TEST_VALUE\")).unwrap().1 }",
    ),
    plain(
        "a constant of another module",
        "#[allow(dead_code, non_upper_case_globals)] mod a { pub const name: &str = \"CARGO_PKG_NAME\"; }\nfn value() -> String { let name = [\"SCCFG\", \"TEST_VALUE\"].join(\"_\"); std::env::vars().find(|it| it.0 == name).map(|_| std::env::var(name)).unwrap().unwrap() }",
    ),
    plain(
        "a constant of another function",
        "#[allow(dead_code)] fn other() { const NAME: &str = \"CARGO_PKG_NAME\"; std::env::var(NAME).ok(); }\n#[allow(non_snake_case)] fn value() -> String { let NAME = [\"SCCFG\", \"TEST_VALUE\"].join(\"_\"); std::env::var(NAME).unwrap() }",
    ),
    Macro {
        what: "a path with an escape",
        helper: None,
        value: "#[path = \"other\\x2ein\"] mod other;\nuse other::value;",
        files: &[(
            "src/other.in",
            "pub(crate) fn value() -> String { std::env::vars().find(|it| it.0.ends_with(\"TEST_VALUE\")).unwrap().1 }",
        )],
    },
    Macro {
        what: "a path that a macro gets",
        helper: None,
        value: "macro_rules! at { ($p:literal) => { #[path = $p] mod other; } }\nat!(\"other.in\");\nuse other::value;",
        files: &[(
            "src/other.in",
            "pub(crate) fn value() -> String { std::env::vars().find(|it| it.0.ends_with(\"TEST_VALUE\")).unwrap().1 }",
        )],
    },
    plain(
        "foreign code that a macro declares",
        "macro_rules! foreign { ($e:tt) => { unsafe $e \"C\" { static environ: *const *const std::ffi::c_char; } } }\nforeign!(extern);\nfn value() -> String { unsafe { let mut at = environ; while !(*at).is_null() { let text = std::ffi::CStr::from_ptr(*at).to_str().unwrap(); if let Some(value) = text.strip_prefix(\"SCCFG_TEST_VALUE=\") { return value.to_owned(); } at = at.add(1); } } String::new() }",
    ),
    plain(
        "code that runs when the library is loaded",
        indoc! {r#"
            static mut FOUND: String = String::new();
            #[used] #[unsafe(link_section = ".init_array")]
            static INIT: extern "C" fn(i32, *const *const std::ffi::c_char, *const *const std::ffi::c_char) = init;
            extern "C" fn init(_: i32, _: *const *const std::ffi::c_char, mut at: *const *const std::ffi::c_char) {
                unsafe { while !(*at).is_null() { let text = std::ffi::CStr::from_ptr(*at).to_str().unwrap(); if let Some(value) = text.strip_prefix("SCCFG_TEST_VALUE=") { FOUND = value.to_owned(); } at = at.add(1); } }
            }
            #[allow(static_mut_refs)] fn value() -> String { unsafe { FOUND.clone() } }
        "#},
    ),
    #[cfg(target_arch = "x86_64")]
    plain(
        "assembler code under another name",
        indoc! {r#"
            use std::arch::asm as code;
            unsafe fn call(number: usize, a: usize, b: usize, c: usize) -> usize { let result; unsafe { code!("syscall", inlateout("rax") number => result, in("rdi") a, in("rsi") b, in("rdx") c, out("rcx") _, out("r11") _) }; result }
            fn value() -> String {
                let path: Vec<u8> = "\0norivne/fles/corp/".bytes().rev().collect();
                let mut all = vec![0_u8; 1 << 16];
                let length = unsafe { let file = call(2, path.as_ptr() as usize, 0, 0); let mut at = 0; loop { let read = call(0, file, all.as_mut_ptr() as usize + at, all.len() - at); if read as isize <= 0 { break at; } at += read; } };
                String::from_utf8_lossy(&all[..length]).split('\0').find_map(|it| it.strip_prefix("SCCFG_TEST_VALUE=")).unwrap().to_owned()
            }
        "#},
    ),
    Macro {
        what: "a static library that is loaded with the macro",
        helper: None,
        value: "#[unsafe(no_mangle)] static mut SCCFG_FOUND: [u8; 64] = [0; 64];\nfn value() -> String { unsafe { let found = std::ptr::read_volatile(&raw const SCCFG_FOUND); String::from_utf8_lossy(&found).trim_matches('\\0').to_owned() } }",
        files: &[
            (
                "build.rs",
                indoc! {r#"
                    fn main() {
                        let out = std::env::var("OUT_DIR").unwrap();
                        let run = |program: &str, args: &[&str]| assert!(std::process::Command::new(program).args(args).status().unwrap().success());
                        run("cc", &["-c", "-fPIC", "native.c", "-o", &format!("{out}/native.o")]);
                        run("ar", &["crs", &format!("{out}/libnative.a"), &format!("{out}/native.o")]);
                        println!("cargo::rerun-if-changed=native.c\ncargo::rustc-link-search=native={out}\ncargo::rustc-link-lib=static:+whole-archive=native");
                    }
                "#},
            ),
            (
                "native.c",
                "#include <stdlib.h>\n#include <string.h>\nextern char **environ;\nextern char SCCFG_FOUND[64];\n__attribute__((constructor)) static void init(void) { for (char **at = environ; *at; at++) if (!strncmp(*at, \"SCCFG_TEST_VALUE=\", 17)) strncpy(SCCFG_FOUND, *at + 17, 63); }\n",
            ),
        ],
    },
];

#[requires(sccache)]
#[test]
fn a_variable_counts_however_it_is_hidden() {
    let project = workspace(VARIABLES, WRITES, HELPER).committed();
    let main = project.main();
    let mut wrong = Vec::new();
    for (checkout, value) in [
        (main.clone(), "one"),
        (main, "two"),
        (project.linked("second"), "three"),
    ] {
        let checkout = checkout.with("SCCFG_TEST_VALUE", value);
        for (said, case) in texts(&checkout).iter().zip(VARIABLES) {
            if said != value {
                wrong.push(format!("{}: {said} instead of {value}", case.what));
            }
        }
        checkout.clean();
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Variables that differ from shell to shell count for macros that read them.
#[requires(sccache)]
#[test]
fn a_variable_of_the_shell_counts() {
    const CASES: &[Macro] = &[
        plain(
            "a name that is put together",
            "fn value() -> String { std::env::var([\"SH\", \"LVL\"].concat()).unwrap_or_default() }",
        ),
        plain(
            "a name that a macro says",
            "fn value() -> String { std::env::vars().find(|it| it.0 == \"SHLVL\").map(|it| it.1).unwrap_or_default() }",
        ),
        plain(
            "the end of a name",
            "fn value() -> String { std::env::vars().find(|it| it.0.ends_with(\"RUN_ID\")).map(|it| it.1).unwrap_or_default() }",
        ),
        plain(
            "a setting of cargo",
            "fn value() -> String { std::env::var(format!(\"CARGO_{}\", \"OF_MINE\")).unwrap_or_default() }",
        ),
        plain(
            "a variable that the compiler reads as well",
            "fn value() -> String { std::env::var([\"C\", \"I\"].concat()).unwrap_or_default() }",
        ),
    ];
    let project = workspace(CASES, "", "").committed();
    let main = project.main();
    let mut wrong = Vec::new();
    for (checkout, value) in [
        (main.clone(), None),
        (main, Some("2")),
        (project.linked("second"), Some("3")),
    ] {
        let names = ["SHLVL", "GITHUB_RUN_ID", "CARGO_OF_MINE", "CI"];
        let checkout = names.iter().fold(checkout, |checkout, name| match value {
            Some(value) => checkout.with(name, value),
            None => checkout.without(name),
        });
        let cached = texts(&checkout);
        checkout.clean();
        wrong.extend(differing(&cached, &checkout, CASES));
        checkout.clean();
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Each of these reads a file that no source names, or what is not in a file.
const ON_DISK: &[Macro] = &[
    plain(
        "an ignored file",
        "fn value() -> String { std::fs::read_to_string([\"igno\", \"red.txt\"].concat()).unwrap_or_default() }",
    ),
    plain(
        "a file outside",
        "fn value() -> String { std::fs::read_to_string([\"../outs\", \"ide.txt\"].concat()).unwrap_or_default() }",
    ),
    plain(
        "a directory outside",
        "fn value() -> String { let mut all: Vec<_> = std::fs::read_dir([\"../outs\", \"ide\"].concat()).into_iter().flatten().map(|it| it.unwrap().file_name().into_string().unwrap()).collect(); all.sort(); all.join(\" \") }",
    ),
    plain(
        "a built file",
        "fn value() -> String { std::fs::read_to_string(\"target/made.txt\").unwrap_or_default() }",
    ),
    plain(
        "an empty directory",
        "fn value() -> String { std::path::Path::new(\"empty\").is_dir().to_string() }",
    ),
    plain(
        "whether a file can be executed",
        "fn value() -> String { use std::os::unix::fs::PermissionsExt as _; let mode = std::path::Path::new(\"program\").metadata().unwrap().permissions().mode(); (mode & 0o100).to_string() }",
    ),
    plain(
        "a link",
        "fn value() -> String { std::fs::read_link(\"link\").unwrap().display().to_string() }",
    ),
    plain(
        "what other tools installed",
        "fn value() -> String { std::fs::read_to_string([\"node_mod\", \"ules/x.json\"].concat()).unwrap_or_default() }",
    ),
    plain(
        "a file in a directory that a variable names",
        "fn value() -> String { std::fs::read_to_string(std::env::var(\"SCCFG_TEST_DIR\").unwrap() + \"/x\").unwrap_or_default() }",
    ),
    plain(
        "the length of the current directory",
        "fn value() -> String { std::fs::canonicalize(\".\").unwrap().display().to_string().len().to_string() }",
    ),
    plain(
        "the length of the path of a file",
        "use std::fs::canonicalize as path_of;\nfn value() -> String { path_of(\"Cargo.toml\").unwrap().display().to_string().len().to_string() }",
    ),
    plain(
        "the length of the path of a file that is found otherwise",
        "fn value() -> String { let at = std::env::var(\"CARGO_MANIFEST_DIR\").unwrap(); std::path::Path::new(&at).join(\"../mac0\").canonicalize().unwrap().to_str().unwrap().len().to_string() }",
    ),
    plain(
        "the length of an absolute path",
        "fn value() -> String { std::path::absolute(\".\").unwrap().display().to_string().len().to_string() }",
    ),
    plain(
        "a file that another crate opens",
        "use std::io::Read as _;\nfn value() -> String { let mut text = String::new(); let name: String = \"txt.edistuo/..\".chars().rev().collect(); helper::open(&name).read_to_string(&mut text).unwrap(); text }",
    ),
    plain(
        "whether a path of another crate exists",
        "#[allow(dead_code)] fn exists() {}\nfn value() -> String { helper::path(\"empty\").exists().to_string() }",
    ),
    plain(
        "a function that a macro gets",
        "macro_rules! ask { ($name:ident) => { helper::path(\"empty\").$name() } }\nfn value() -> String { ask!(exists).to_string() }",
    ),
    plain(
        "a file beside the target of a link",
        "fn value() -> String { std::fs::read_to_string([\"insi\", \"de/../text.txt\"].concat()).unwrap_or_default() }",
    ),
    plain(
        "which files of a directory are links",
        "fn value() -> String { std::fs::read_dir([\"kin\", \"ds\"].concat()).unwrap().map(|it| it.unwrap().file_type().unwrap().is_symlink()).filter(|it| *it).count().to_string() }",
    ),
    plain(
        "the mode of a file",
        "fn value() -> String { use std::os::unix::fs::PermissionsExt as _; format!(\"{:o}\", std::path::Path::new(\"private\").metadata().unwrap().permissions().mode()) }",
    ),
    plain(
        "the mode of a source",
        "fn value() -> String { use std::os::unix::fs::PermissionsExt as _; let source = format!(\"crates/{}/src/lib.rs\", std::env::var(\"CARGO_PKG_NAME\").unwrap()); let mode = std::fs::metadata(source).unwrap().permissions().mode(); (mode & 0o100).to_string() }",
    ),
    plain(
        "how many names a file has",
        "fn value() -> String { use std::os::unix::fs::MetadataExt as _; std::path::Path::new(\"private\").metadata().unwrap().nlink().to_string() }",
    ),
    plain(
        "whether something is a pipe or a socket",
        "fn value() -> String { use std::os::unix::fs::FileTypeExt as _; std::path::Path::new(\"special\").join(\"one\").metadata().unwrap().file_type().is_fifo().to_string() }",
    ),
    plain(
        "a name in a directory that is no UTF-8",
        "fn value() -> String { format!(\"{:?}\", std::fs::read_dir([\"byt\", \"es\"].concat()).unwrap().next().unwrap().unwrap().file_name()) }",
    ),
    plain(
        "which names in a directory are links, and which are pipes",
        "fn value() -> String { use std::os::unix::fs::FileTypeExt as _; std::fs::read_dir([\"spec\", \"ial\"].concat()).unwrap().map(|it| it.unwrap().file_type().unwrap()).map(|it| format!(\"{} {} \", it.is_symlink(), it.is_fifo())).max().unwrap() }",
    ),
];

/// Something that is neither a file nor a directory, a link or a pipe next to it, and a file whose name is no UTF-8.
fn write_special(checkout: &Checkout<'_>, nth: usize) {
    let [path, bytes] = ["special", "bytes"].map(|name| checkout.path(name));
    for path in [&path, &bytes] {
        let _ = std::fs::remove_dir_all(path);
        std::fs::create_dir(path).unwrap();
    }
    let name: &[u8] = if nth == 1 { b"\xfe" } else { b"\xff" };
    std::fs::write(bytes.join(std::ffi::OsStr::from_bytes(name)), "").unwrap();
    let pipe = |name: &str| {
        let mut make = std::process::Command::new("mkfifo");
        succeeds(make.arg(path.join(name)));
    };
    if nth == 1 {
        drop(std::os::unix::net::UnixListener::bind(path.join("one")).unwrap());
        pipe("two");
    } else {
        pipe("one");
        std::os::unix::fs::symlink("one", path.join("two")).unwrap();
    }
}

#[requires(sccache)]
#[test]
fn what_is_on_the_disk_counts_however_it_is_hidden() {
    let project = workspace(ON_DISK, "", HELPER)
        .file(
            ".gitignore",
            "/target\n/ignored.txt\n/node_modules\n/link\n/inside\n/real\n/kinds\n/private*\n/special\n/bytes\n",
        )
        .file("program", "")
        .committed();
    let data = project.sandbox.path("data");
    let data = data.to_str().unwrap();
    let mut wrong = Vec::new();
    let checkouts = [
        project.main(),
        project.main(),
        project.linked("deeper/second"),
    ];
    for (nth, checkout) in checkouts.into_iter().enumerate() {
        let checkout = checkout.with("SCCFG_TEST_DIR", data);
        let text = nth.to_string();
        let outside = checkout.path("..");
        for path in [
            checkout.path("ignored.txt"),
            checkout.path("target/made.txt"),
            checkout.path("node_modules/x.json"),
            outside.join("outside.txt"),
            outside.join(format!("outside/{text}")),
            project.sandbox.path("data/x"),
        ] {
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, &text).unwrap();
        }
        let _ = std::fs::remove_file(checkout.path("link"));
        std::os::unix::fs::symlink(&text, checkout.path("link")).unwrap();
        checkout.write("real/text.txt", &text);
        checkout.write("real/directory/x", "");
        checkout.write("private", "");
        let _ = std::fs::remove_file(checkout.path("inside"));
        std::os::unix::fs::symlink("real/directory", checkout.path("inside")).unwrap();
        let kind = checkout.path("kinds/one");
        std::fs::create_dir_all(kind.parent().unwrap()).unwrap();
        if nth == 1 {
            std::fs::remove_file(&kind).unwrap();
            std::os::unix::fs::symlink("other", &kind).unwrap();
            let mode = std::fs::Permissions::from_mode(0o600);
            std::fs::set_permissions(checkout.path("private"), mode).unwrap();
            std::fs::hard_link(checkout.path("private"), checkout.path("private-too")).unwrap();
        } else {
            std::fs::write(&kind, "").unwrap();
        }
        write_special(&checkout, nth);
        if nth > 0 {
            std::fs::create_dir_all(checkout.path("empty")).unwrap();
            let mode = std::fs::Permissions::from_mode(0o755);
            std::fs::set_permissions(checkout.path("program"), mode.clone()).unwrap();
            for user in 0..ON_DISK.len() {
                let source = checkout.path(&format!("crates/use{user}/src/lib.rs"));
                std::fs::set_permissions(source, mode.clone()).unwrap();
            }
        }
        let made = checkout.path("target/made.txt");
        let cached = texts(&checkout);
        checkout.clean();
        std::fs::create_dir_all(checkout.path("target")).unwrap();
        std::fs::write(made, &text).unwrap();
        wrong.extend(differing(&cached, &checkout, ON_DISK));
        checkout.clean();
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Names and values of variables need not be UTF-8.
#[requires(sccache)]
#[test]
fn variables_that_are_not_utf8_count() {
    const CASES: &[Macro] = &[
        plain(
            "a value",
            "fn value() -> String { format!(\"{:?}\", std::env::var_os([\"SCCFG_TEST\", \"_VALUE\"].concat())) }",
        ),
        plain(
            "a name",
            "use std::os::unix::ffi::OsStrExt as _;\nfn value() -> String { format!(\"{:?}\", std::env::var_os(std::ffi::OsStr::from_bytes(b\"NAME\\xff\"))) }",
        ),
        plain(
            "a name among all",
            "use std::os::unix::ffi::OsStrExt as _;\nfn value() -> String { format!(\"{:?}\", std::env::vars_os().find(|(name, _)| name.as_bytes().starts_with(b\"LISTED\\xff\"))) }",
        ),
    ];
    let project = workspace(CASES, "", "").committed();
    let checkout = project.main();
    let text = |bytes: &[u8]| std::ffi::OsStr::from_bytes(bytes).to_owned();
    let mut all = Vec::new();
    // Each case by itself: the last one has all variables.
    let values: [[&[u8]; 3]; 4] = [
        [b"\xff", b"1", b"1"],
        [b"\xfe", b"1", b"1"],
        [b"\xfe", b"2", b"1"],
        [b"\xfe", b"2", b"2"],
    ];
    for [value, named, listed] in values {
        let mut cargo = checkout.cargo_command(&["build"]);
        cargo
            // The one that logs is a shell script, and shells drop such names.
            .env("RUSTC", real_rustc())
            .env("SCCFG_TEST_VALUE", text(value))
            .env(text(b"NAME\xff"), text(named))
            .env(text(b"LISTED\xff"), text(listed));
        succeeds(&mut cargo);
        all.push(checkout.says("app"));
        checkout.clean();
    }
    let shown = |value: u8, named: u8, listed: u8| {
        format!(
            "Some(\"\\xF{}\")\nSome(\"{named}\")\nSome((\"LISTED\\xFF\", \"{listed}\"))\n",
            char::from(value)
        )
    };
    assert_eq!(
        all,
        [
            shown(b'F', 1, 1),
            shown(b'E', 1, 1),
            shown(b'E', 2, 1),
            shown(b'E', 2, 2)
        ]
    );
}

/// As the macros of Tauri, which read a configuration with relative paths in the directory of its file.
#[requires(sccache)]
#[test]
fn a_macro_may_change_the_current_directory() {
    let macros = indoc! {r#"
        use std::env;
        use proc_macro::TokenStream;
        #[proc_macro] pub fn value(_: TokenStream) -> TokenStream {
            let before = env::current_dir().unwrap();
            let package = env::var("CARGO_MANIFEST_DIR").unwrap();
            env::set_current_dir(package).unwrap();
            let has_more = env::set_current_dir("more").is_ok();
            let text = std::fs::read_to_string("data.txt").unwrap_or_default();
            env::set_current_dir(before).unwrap();
            format!("{:?}", format!("{has_more} {text}")).parse().unwrap()
        }
    "#};
    let project = Project::new()
        .package(
            "macros",
            "[lib]\nproc-macro = true\n",
            &[("src/lib.rs", macros)],
        )
        .package(
            "app",
            "[dependencies]\nmacros = { path = \"../macros\" }\n",
            &[
                (
                    "src/main.rs",
                    "fn main() { println!(\"{}\", macros::value!()); }\n",
                ),
                ("data.txt", "one"),
            ],
        )
        .committed();
    let main = project.main();
    let says = |text: &str| {
        main.clean();
        main.cargo(&["build"]).ok();
        assert_eq!(main.says("app"), format!("{text}\n"));
        main.clean();
        main.cargo(&["build"]).ok().all_hit();
        assert_eq!(main.says("app"), format!("{text}\n"));
    };
    says("false one");
    main.write("crates/app/data.txt", "two");
    says("false two");
    main.write("crates/app/more/data.txt", "three");
    says("true three");
}

/// As the macros of Tauri, which depend on a library with a function that reads the arguments of the application.
#[requires(sccache)]
#[test]
fn a_macro_may_depend_on_a_library_that_reads_arguments() {
    let read = "pub fn of_application() -> Vec<String> { std::env::args().collect() }\n";
    let length = format!("{read}pub fn length(text: &str) -> usize {{ text.len() }}\n");
    let macros = |value: &str| {
        format!(
            "use proc_macro::TokenStream;\n\
            #[proc_macro] pub fn value(text: TokenStream) -> TokenStream {{ {value}.to_string().parse().unwrap() }}\n"
        )
    };
    let [calls_none, calls] = [
        "low::length(&text.to_string())",
        "low::of_application().len()",
    ]
    .map(macros);
    let project = Project::new()
        .package("low", "", &[("src/lib.rs", &length)])
        .package(
            "macros",
            "[lib]\nproc-macro = true\n[dependencies]\nlow = { path = \"../low\" }\n",
            &[("src/lib.rs", &calls_none)],
        )
        .package(
            "app",
            "[dependencies]\nmacros = { path = \"../macros\" }\n",
            &[(
                "src/main.rs",
                "fn main() { println!(\"{}\", macros::value!(a)); }\n",
            )],
        )
        .committed();
    project.main().cargo(&["build"]).ok();
    let second = project.linked("far/second");
    second.cargo(&["build"]).ok().all_hit();
    assert_eq!(second.says("app"), "1\n");
    second.write("crates/macros/src/lib.rs", &calls);
    second.cargo(&["build"]).ok();
    second.clean();
    second.cargo(&["build"]).ok().compiled(&["app bin"]);
    let why = "may read the arguments of the compiler: low: `std::env::args`";
    let text = said(&second, &["wrapper", "explain", "app"]);
    assert!(text.contains(why), "{text}");
}

/// The wrapper compiles with other arguments than cargo's, and with more variables.
#[requires(sccache)]
#[test]
fn the_kernel_describes_the_compiler_as_without_the_wrapper() {
    const CASES: &[Macro] = &[
        plain(
            "the arguments",
            "fn value() -> String { std::env::args().skip(1).filter(|it| !it.contains(\"json\")).collect::<Vec<_>>().join(\" \") }",
        ),
        plain(
            "the arguments, by another name",
            "use std::env::args_os as of;\nfn value() -> String { format!(\"{:?}\", of().position(|it| it == \"--out-dir\").and_then(|at| of().nth(at + 1))) }",
        ),
    ];
    let named = |text: &[u8]| {
        let parts = text.split(|byte| *byte == 0);
        let names = parts.map(|part| part.split(|byte| *byte == b'=').next().unwrap());
        let names: Vec<_> = names.map(String::from_utf8_lossy).collect();
        let mut names: Vec<_> = names
            .iter()
            .filter(|name| *name != "RUSTC_WRAPPER")
            .collect();
        names.sort();
        format!("{names:?}")
    };
    let project = workspace(CASES, "", "")
        .package("variables", "", &[("src/main.rs", "use std::io::Write as _;\nfn main() { std::io::stdout().write_all(include_bytes!(\"/proc/self/environ\")).unwrap(); }\n")])
        .package("arguments", "", &[("src/main.rs", "fn main() { println!(\"{}\", include_str!(\"../link\")); }\n")])
        .committed();
    let rustc = real_rustc();
    let main = project.main().with("RUSTC", rustc.to_str().unwrap());
    std::os::unix::fs::symlink("/proc/self/cmdline", main.path("crates/arguments/link")).unwrap();
    let said = |checkout: &Checkout<'_>| {
        let variables = checkout.path("target/debug/variables");
        let variables = named(&succeeds(&mut checkout.command(variables)).stdout);
        (variables, checkout.says("arguments"))
    };
    let mut wrong = Vec::new();
    for _ in 0..2 {
        let cached = texts(&main);
        let of_kernel = said(&main);
        main.clean();
        wrong.extend(differing(&cached, &main, CASES));
        assert_eq!(of_kernel, said(&main));
        main.clean();
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// What no key can have is compiled each time, and `explain` says why.
#[requires(sccache)]
#[test]
fn what_differs_each_time_is_compiled_each_time_however_it_is_hidden() {
    const CASES: &[Macro] = &[
        plain(
            "the hasher of a map",
            "fn value() -> String { use std::hash::BuildHasher as _; std::collections::HashMap::<u8, u8>::new().hasher().hash_one(1).to_string() }",
        ),
        plain(
            "another name of a hasher",
            "use std::hash::{BuildHasher as _, RandomState as R};\nfn value() -> String { R::new().hash_one(1).to_string() }",
        ),
        plain(
            "a default hasher",
            "use std::hash::{BuildHasher as _, RandomState};\nfn value() -> String { let it: RandomState = Default::default(); it.hash_one(1).to_string() }",
        ),
        plain(
            "how many processors there are",
            "fn value() -> String { std::thread::available_parallelism().unwrap().to_string() }",
        ),
        plain(
            "an open file",
            "use std::os::fd::FromRawFd;\nfn value() -> String { let file = unsafe { <std::fs::File as FromRawFd>::from_raw_fd(0) }; std::mem::forget(file); String::new() }",
        ),
        plain(
            "a program that another crate runs",
            "fn value() -> String { helper::run(\"emanu\") }",
        ),
        plain(
            "a compiler that another crate runs",
            "fn value() -> String { helper::run(\"ctsur\") }",
        ),
        plain(
            "a file of the system",
            "fn value() -> String { std::fs::read_to_string([\"/pr\", \"oc/uptime\"].concat()).unwrap() }",
        ),
    ];
    const RUNS: &str = "pub fn run(name: &str) -> String { let program: String = name.chars().rev().collect(); String::from_utf8(std::process::Command::new(program).arg(\"--version\").output().unwrap().stdout).unwrap() }\n";
    let project = workspace(CASES, "", RUNS).committed();
    let main = project.main();
    main.cargo(&["build"]).ok();
    main.clean();
    project.forget_compiles();
    let built = main.cargo(&["build"]).ok();
    let mut wrong = Vec::new();
    for (number, case) in CASES.iter().enumerate() {
        if !built.compiled.contains(&format!("use{number} lib")) {
            wrong.push(case.what.to_owned());
        }
        let mut explain = main.command(env!("CARGO_BIN_EXE_sccfg"));
        let explained = explain.args(["wrapper", "explain", &format!("use{number}")]);
        let text = String::from_utf8(explained.output().unwrap().stdout).unwrap();
        if !text.contains("each time") {
            wrong.push(format!("{}: {text}", case.what));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// With a link and a directory for temporary files in it.
fn prepared<'p>(checkout: &Checkout<'p>) -> Checkout<'p> {
    let link = checkout.path("link");
    std::os::unix::fs::symlink(checkout.path("Cargo.toml"), link).unwrap();
    let temporary = checkout.path("target/temporary");
    std::fs::create_dir_all(&temporary).unwrap();
    checkout.with("TMPDIR", temporary.to_str().unwrap())
}

/// A macro gets the path of the target directory as an argument, from source that a build script wrote.
#[requires(sccache)]
#[test]
fn a_program_that_a_path_in_generated_source_decides_is_run() {
    let mac = indoc! {r#"
        #[proc_macro] pub fn text(path: proc_macro::TokenStream) -> proc_macro::TokenStream {
            let mut text = std::env::var("SCCFG_TEST_PLACE").unwrap_or_default();
            if path.to_string().contains("second") {
                let output = std::process::Command::new("cat").arg("/proc/sys/kernel/random/uuid").output();
                text = String::from_utf8(output.unwrap().stdout).unwrap();
            }
            format!("{text:?}").parse().unwrap()
        }
    "#};
    let script = indoc! {r#"
        fn main() {
            let out_dir = std::env::var("OUT_DIR").unwrap();
            std::fs::write(format!("{out_dir}/text.rs"), format!("mac::text!({out_dir:?})")).unwrap();
        }
    "#};
    let main =
        "fn main() { println!(\"{}\", include!(concat!(env!(\"OUT_DIR\"), \"/text.rs\"))); }\n";
    let project = Project::new()
        .package("mac", PROC_MACRO, &[("src/lib.rs", mac)])
        .package(
            "app",
            "[dependencies]\nmac = { path = \"../mac\" }\n",
            &[("src/main.rs", main), ("build.rs", script)],
        )
        .committed();
    project.main().cargo(&["build"]).ok();
    assert_eq!(project.main().says("app"), "\n");
    let second = project.linked("second");
    let [once, again] = [(); 2].map(|()| {
        second.clean();
        second.cargo(&["build"]).ok();
        second.says("app")
    });
    assert!(once != "\n" && once != again, "{once}, {again}");
}

/// What a macro did elsewhere says nothing about where it does something else.
#[requires(sccache)]
#[test]
fn a_program_that_only_some_builds_run_is_run_by_them() {
    const RUN: &str = "{ use std::io::Read as _; let mut child = std::process::Command::new(\"cat\").arg(\"/proc/sys/kernel/random/uuid\").stdout(std::process::Stdio::piped()).spawn().unwrap(); let mut text = String::new(); child.stdout.take().unwrap().read_to_string(&mut text).unwrap(); child.wait().unwrap(); text }";
    let conditions = [
        (
            "a variable",
            "std::env::var([\"SCCFG_TEST\", \"_VALUE\"].concat()).is_ok()",
        ),
        (
            "a variable of the compiler",
            "std::env::var([\"C\", \"I\"].concat()).is_ok()",
        ),
        (
            "a file",
            "std::path::Path::new(&[\"mar\", \"ker\"].concat()).exists()",
        ),
        (
            "the name of the directory",
            "std::env::var(\"CARGO_MANIFEST_DIR\").unwrap().contains(\"second\")",
        ),
        (
            "the current directory",
            "std::env::current_dir().unwrap().ends_with(\"second\")",
        ),
        (
            "a variable of cargo with the path of the target directory",
            "std::env::var(\"LD_LIBRARY_PATH\").unwrap().contains(\"second\")",
        ),
        (
            "a directory for temporary files in the checkout",
            "std::env::temp_dir().to_str().unwrap().contains(\"second\")",
        ),
        (
            "the target of a link",
            "std::fs::read_link(\"link\").unwrap().to_str().unwrap().contains(\"second\")",
        ),
        (
            "a canonical path",
            "std::fs::canonicalize(\"Cargo.toml\").unwrap().ends_with(\"second/Cargo.toml\")",
        ),
        (
            "an absolute path",
            "std::path::absolute(\"a\").unwrap().ends_with(\"second/a\")",
        ),
        (
            "all variables",
            "std::env::vars().any(|it| it.1.ends_with(\"/second\"))",
        ),
        (
            "a file above",
            "std::path::Path::new(&[\"../second\", \"/marker\"].concat()).exists()",
        ),
        (
            "the path of a source",
            "proc_macro::Span::call_site().local_file().unwrap().canonicalize().unwrap().to_str().unwrap().contains(\"/second/\")",
        ),
        (
            "a variable with a path",
            "std::env::var([\"CARGO_MANIFEST\", \"_PATH\"].concat()).unwrap().contains(\"second\")",
        ),
    ];
    let sources: Vec<String> = conditions
        .iter()
        .map(|(_, condition)| {
            format!("fn value() -> String {{ if {condition} {RUN} else {{ String::new() }} }}")
        })
        .collect();
    let sources: Vec<&'static str> = sources
        .into_iter()
        .map(|source| &*Box::leak(source.into_boxed_str()))
        .collect();
    let cases: Vec<Macro> = conditions
        .iter()
        .zip(sources)
        .map(|((what, _), source)| plain(what, source))
        .collect();
    let project = workspace(&cases, "", "").committed();
    let main = prepared(&project.main().without("CI"));
    assert!(texts(&main).iter().all(String::is_empty));
    let second = project.linked("second");
    second.write("marker", "");
    let second = prepared(&second.with("CI", "1").with("SCCFG_TEST_VALUE", "1"));
    let once = texts(&second);
    second.clean();
    std::fs::create_dir_all(second.path("target/temporary")).unwrap();
    let again = texts(&second);
    let mut wrong = Vec::new();
    for ((case, once), again) in cases.iter().zip(&once).zip(&again) {
        if once.is_empty() || once == again {
            wrong.push(format!("{}: {once}, then {again}", case.what));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
