//! Changes next to a region and in it: kept, or refused with the line and nothing written.

use rstest::rstest;

use crate::cases::golden::Tree;
use crate::support::{Ran, Sandbox};

/// A shell on one line: the region goes into the middle of the line.
const ONE_LINE: &str = "{
  outputs = { nixpkgs, ... }:
    let pkgs = nixpkgs.legacyPackages.x86_64-linux; in
    { devShells.x86_64-linux.default = pkgs.mkShell { packages = [ ]; }; };
}
";

/// A shell on several lines, one of which the region replaces.
const LINES: &str = "{
  outputs = { nixpkgs, ... }:
    let
      pkgs = nixpkgs.legacyPackages.x86_64-linux;
    in
    {
      devShells.x86_64-linux.default = pkgs.mkShell {
        packages = [ ];
        RUSTC_WRAPPER = \"sccache\";
      };
    };
}
";

const BEGIN: &str = "# >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`";
const END: &str = "# <<< sccfg <<<";

fn managed(flake: &str) -> Sandbox {
    let sandbox = Sandbox::new().file("repo/flake.nix", flake);
    sandbox
        .sccfg(&["-C", "repo", "init", "--no-user-config"])
        .status(0);
    sandbox
}

fn edit(sandbox: &Sandbox, from: &str, to: &str) {
    let text = sandbox.read("repo/flake.nix");
    assert!(text.contains(from), "no `{from}` in\n{text}");
    sandbox.write("repo/flake.nix", &text.replacen(from, to, 1));
}

fn apply(sandbox: &Sandbox) -> Ran {
    sandbox.sccfg(&["-C", "repo", "apply", "--no-user-config"])
}

/// The flake after `remove`, which parses; `apply` and `remove` give the same.
fn removed(sandbox: &Sandbox) -> String {
    let edited = sandbox.read("repo/flake.nix");
    let policy = sandbox.read("repo/sccfg.toml");
    let remove = || {
        sandbox.sccfg(&["-C", "repo", "remove"]).status(0);
        Tree::read(&sandbox.path("repo")).assert_parses();
        sandbox.read("repo/flake.nix")
    };
    let at_once = remove();
    sandbox.write("repo/flake.nix", &edited);
    sandbox.write("repo/sccfg.toml", &policy);
    apply(sandbox).status(0);
    Tree::read(&sandbox.path("repo")).assert_parses();
    sandbox.sccfg(&["-C", "repo", "apply", "--check"]).status(0);
    assert_eq!(remove(), at_once, "apply and then remove");
    at_once
}

/// Asserts that `apply`, `remove` and `init` write nothing, and name the line of `at`.
#[track_caller]
fn refused(sandbox: &Sandbox, at: &str, why: &str) {
    let text = sandbox.read("repo/flake.nix");
    let offset = text.find(at).unwrap();
    let line = text[..offset].matches('\n').count() + 1;
    let before = Tree::read(&sandbox.path("repo"));
    for command in ["apply", "remove", "init"] {
        sandbox
            .sccfg(&["-C", "repo", command])
            .status(1)
            .stderr_has(&format!("flake.nix:{line}:"))
            .stderr_has(why)
            .stderr_has("hint: ");
        before.assert_same(&Tree::read(&sandbox.path("repo")), command);
    }
}

#[test]
fn a_comment_at_the_end_of_the_line_before_a_region_is_kept() {
    let sandbox = managed(ONE_LINE);
    edit(&sandbox, "packages = [ ];", "packages = [ ]; # mine");
    let after = removed(&sandbox);
    assert!(after.contains("packages = [ ]; # mine\n"), "{after}");
}

#[rstest]
#[case::before(
    BEGIN,
    "# mine\n        # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`"
)]
#[case::after(END, "# <<< sccfg <<<\n        # mine")]
#[case::block(END, "# <<< sccfg <<<\n        /* mine\n           # two */")]
fn a_comment_line_beside_a_region_is_kept(#[case] from: &str, #[case] to: &str) {
    for flake in [ONE_LINE, LINES] {
        let sandbox = managed(flake);
        edit(&sandbox, from, to);
        let after = removed(&sandbox);
        assert!(after.contains(" mine\n"), "{after}");
    }
}

#[rstest]
#[case::before(
    BEGIN,
    "MINE = 1;\n        # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`"
)]
#[case::after(END, "# <<< sccfg <<<\n        MINE = 1;")]
fn an_attribute_beside_a_region_is_kept(#[case] from: &str, #[case] to: &str) {
    for flake in [ONE_LINE, LINES] {
        let sandbox = managed(flake);
        edit(&sandbox, from, to);
        let after = removed(&sandbox);
        assert!(after.contains("MINE = 1;"), "{after}");
    }
}

#[test]
fn changed_indentation_and_line_ends_are_kept() {
    let sandbox = managed(LINES);
    let text = sandbox.read("repo/flake.nix");
    let crlf = text.replace("  ", "\t").replace('\n', "\r\n");
    sandbox.write("repo/flake.nix", &crlf);
    let expected = LINES.replace("  ", "\t").replace('\n', "\r\n");
    assert_eq!(removed(&sandbox), expected);
}

#[test]
fn line_ends_that_were_converted_later_are_kept() {
    let sandbox = managed(ONE_LINE);
    let text = sandbox.read("repo/flake.nix");
    sandbox.write("repo/flake.nix", &text.replace('\n', "\r\n"));
    assert_eq!(removed(&sandbox), ONE_LINE.replace('\n', "\r\n"));
}

#[test]
fn an_emptied_region_is_rendered_again() {
    let sandbox = managed(ONE_LINE);
    let text = sandbox.read("repo/flake.nix");
    let start = text.find(BEGIN).unwrap() + BEGIN.len();
    let end = text.find(END).unwrap();
    sandbox.write(
        "repo/flake.nix",
        &format!("{}\n      {}", &text[..start], &text[end..]),
    );
    let after = removed(&sandbox);
    assert_eq!(
        after.split_whitespace().collect::<String>(),
        ONE_LINE.split_whitespace().collect::<String>()
    );
}

#[rstest]
#[case::comment("# mine")]
#[case::attribute("MINE = 1;")]
#[case::element("mine")]
fn a_line_in_a_region_is_refused(#[case] mine: &str) {
    let sandbox = managed(LINES);
    edit(
        &sandbox,
        "        CARGO_INCREMENTAL",
        &format!("        {mine}\n        CARGO_INCREMENTAL"),
    );
    refused(&sandbox, mine, &format!("`{mine}` is in a sccfg region"));
}

/// Names that sccfg writes as well, with values that it does not.
#[rstest]
#[case::a_hook("shellHook = ''", "shellHook = \"echo mine\" + ''")]
#[case::a_system("CARGO_INCREMENTAL", "system = \"mine\";\n        CARGO_INCREMENTAL")]
fn a_new_value_in_a_region_is_refused(#[case] from: &str, #[case] to: &str) {
    let sandbox = managed(LINES);
    edit(&sandbox, from, to);
    let before = sandbox.read("repo/flake.nix");
    for command in ["apply", "remove"] {
        sandbox
            .sccfg(&["-C", "repo", command])
            .status(1)
            .stderr_has("is in a sccfg region");
        assert_eq!(sandbox.read("repo/flake.nix"), before);
    }
}

/// Values of attributes that sccfg writes as well.
#[rstest]
#[case::another_wrapper(
    "RUSTC_WRAPPER = \"${pkgs.sccache}/bin/sccache\"",
    "RUSTC_WRAPPER = \"/opt/mine/sccache\""
)]
#[case::another_program(
    "RUSTC_WRAPPER = \"${pkgs.sccache}/bin/sccache\"",
    "RUSTC_WRAPPER = \"${pkgs.sccache}/bin/mine\""
)]
#[case::a_package(
    "RUSTC_WRAPPER = \"${pkgs.sccache}/bin/sccache\"",
    "RUSTC_WRAPPER = pkgs.sccache"
)]
#[case::a_sum("CARGO_INCREMENTAL = \"0\"", "CARGO_INCREMENTAL = \"0\" + \"1\"")]
#[case::incremental("CARGO_INCREMENTAL = \"0\"", "CARGO_INCREMENTAL = \"1\"")]
#[case::a_size("CARGO_INCREMENTAL", "SCCACHE_CACHE_SIZE = \"1G\"; CARGO_INCREMENTAL")]
#[case::variables("CARGO_INCREMENTAL", "env = { };\n        CARGO_INCREMENTAL")]
#[case::inputs(
    "CARGO_INCREMENTAL",
    "inputs.nixpkgs.url = \"github:mine/nixpkgs\";\n        CARGO_INCREMENTAL"
)]
#[case::outputs(
    "CARGO_INCREMENTAL",
    "outputs = inputs: inputs;\n        CARGO_INCREMENTAL"
)]
#[case::a_text("CARGO_INCREMENTAL", "text = \"mine\";\n        CARGO_INCREMENTAL")]
#[case::a_hook("shellHook = ''", "shellHook = pkgs + ''")]
#[case::a_size_in_the_hook(
    "          fi; unset _sccfg\n",
    "          SCCACHE_CACHE_SIZE=1G\n          fi; unset _sccfg\n"
)]
fn a_changed_value_in_a_region_is_refused(#[case] from: &str, #[case] to: &str) {
    let sandbox = managed(LINES);
    edit(&sandbox, from, to);
    let changed = to.split('\n').next().unwrap().trim();
    refused(&sandbox, changed, "is in a sccfg region");
}

#[test]
fn a_size_of_an_older_policy_in_a_region_is_replaced() {
    let sandbox = Sandbox::new().file("repo/flake.nix", LINES);
    let init = ["-C", "repo", "init", "--no-user-config", "--size", "20GiB"];
    sandbox.sccfg(&init).status(0);
    let policy = sandbox.read("repo/sccfg.toml");
    assert!(policy.contains("20GiB"), "{policy}");
    sandbox.write("repo/sccfg.toml", &policy.replace("20GiB", "24GiB"));
    apply(&sandbox).status(0);
    let flake = sandbox.read("repo/flake.nix");
    assert!(flake.contains("SCCACHE_CACHE_SIZE=24G;"), "{flake}");
}

#[test]
fn another_wrapper_or_mode_in_the_policy_replaces_values_in_regions() {
    let sandbox = Sandbox::new().file("repo/flake.nix", LINES);
    let init = ["-C", "repo", "init", "--no-user-config"];
    sandbox.sccfg(&init).status(0);
    let first = sandbox.read("repo/flake.nix");
    let portable = ["--input", "github:owner/sccfg", "--wrapper", "portable"];
    let portable = [&init[..], &portable[..], &["--incremental", "auto"]].concat();
    sandbox.sccfg(&portable).status(0);
    assert!(sandbox.read("repo/flake.nix").contains("/libexec/sccfg/"));
    sandbox.sccfg(&["-C", "repo", "remove"]).status(0);
    assert_eq!(sandbox.read("repo/flake.nix"), LINES);
    sandbox.sccfg(&init).status(0);
    assert_eq!(sandbox.read("repo/flake.nix"), first);
}

#[test]
fn an_inline_region_moved_into_a_string_is_refused() {
    let with_hook = ONE_LINE.replace(
        "packages = [ ];",
        "mine = ''\n      one\n\n      two\n    ''; packages = [ ];",
    );
    let sandbox = managed(&with_hook);
    let text = sandbox.read("repo/flake.nix");
    let start = text.find(&format!("      {BEGIN}")).unwrap();
    let end = text.find(END).unwrap() + END.len() + 1;
    let record = text[start..].lines().nth(1).unwrap();
    assert!(record.contains("# sccfg:inline"), "{text}");
    let emptied = format!("      {BEGIN}\n{record}\n      {END}\n");
    let without = format!("{}{}", &text[..start], &text[end..]);
    sandbox.write(
        "repo/flake.nix",
        &without.replace("      one\n\n", &format!("      one\n\n{emptied}")),
    );
    refused(&sandbox, BEGIN, "this sccfg region is inside a string");
}

#[test]
fn conflict_markers_in_a_string_or_comment_are_text() {
    for (from, to) in [
        (
            "packages = [ ];",
            "packages = [ ]; MINE = ''\n<<<<<<< text\n=======\n>>>>>>> text\n'';",
        ),
        ("packages = [ ];", "packages = [ ]; /*\n<<<<<<< text\n*/"),
    ] {
        for flake in [ONE_LINE, LINES] {
            let flake = flake.replace(from, to);
            let sandbox = managed(&flake);
            apply(&sandbox).status(0);
            assert_eq!(removed(&sandbox), flake);
        }
    }
}

#[test]
fn a_conflict_around_a_region_in_a_string_is_refused() {
    let flake = LINES.replace(
        "packages = [ ];",
        "packages = [ ];\n        shellHook = ''\n          echo mine\n        '';",
    );
    let sandbox = managed(&flake);
    let text = sandbox.read("repo/flake.nix");
    let hook = text.find("shellHook").unwrap();
    let start = hook + text[hook..].find(&format!("          {BEGIN}")).unwrap();
    let end = start + text[start..].find(END).unwrap() + END.len() + 1;
    let region = &text[start..end];
    let conflict = format!("<<<<<<< HEAD\n{region}=======\n{region}>>>>>>> other\n");
    sandbox.write(
        "repo/flake.nix",
        &format!("{}{conflict}{}", &text[..start], &text[end..]),
    );
    refused(&sandbox, "<<<<<<< HEAD", "unresolved merge conflict");
}

#[rstest]
#[case::the_shell(
    "pkgs.mkShell {",
    "let { body = pkgs.mkShell {",
    "      };\n    };",
    "      }; };\n    };"
)]
#[case::the_outputs(
    "    {\n      devShells",
    "    let { body = {\n      devShells",
    "    };\n}",
    "    }; };\n}"
)]
fn a_let_with_a_body_is_followed(
    #[case] from: &str,
    #[case] to: &str,
    #[case] end: &str,
    #[case] closed: &str,
) {
    let flake = LINES.replacen(from, to, 1).replacen(end, closed, 1);
    let sandbox = managed(&flake);
    assert!(sandbox.read("repo/flake.nix").contains(BEGIN));
    assert_eq!(removed(&sandbox), flake);
}

#[test]
fn a_command_in_the_hook_of_a_region_is_refused() {
    let sandbox = managed(LINES);
    edit(
        &sandbox,
        "shellHook = ''\n",
        "shellHook = ''\n          echo mine\n",
    );
    refused(&sandbox, "echo mine", "`echo mine` is in a sccfg region");
}

#[test]
fn text_after_a_marker_is_refused() {
    for marker in [BEGIN, END] {
        let sandbox = managed(LINES);
        edit(&sandbox, marker, &format!("{marker} mine"));
        refused(
            &sandbox,
            &format!("{marker} mine"),
            "not on a separate line",
        );
    }
}

#[test]
fn a_marker_after_code_is_refused() {
    let sandbox = managed(LINES);
    edit(&sandbox, END, &format!("MINE = 1; {END}"));
    refused(&sandbox, "MINE = 1;", "");
}

#[test]
fn a_region_without_one_of_its_markers_is_refused() {
    let sandbox = managed(LINES);
    edit(&sandbox, END, "");
    refused(
        &sandbox,
        BEGIN,
        "this sccfg region has no `# <<< sccfg <<<` line",
    );
    let sandbox = managed(LINES);
    edit(&sandbox, BEGIN, "");
    refused(&sandbox, END, "this sccfg end marker has no begin marker");
}

#[test]
fn a_duplicated_region_is_refused() {
    let sandbox = managed(LINES);
    let text = sandbox.read("repo/flake.nix");
    let region = &text[text.find(BEGIN).unwrap()..text.find(END).unwrap() + END.len()];
    let second = format!(
        "{region}\n        {}",
        region.replace(BEGIN, &format!("{BEGIN} "))
    );
    edit(&sandbox, region, &second);
    refused(&sandbox, &format!("{BEGIN} \n"), "is here twice");
    // Also with something between the two.
    edit(
        &sandbox,
        &format!("{END}\n"),
        &format!("{END}\n        MINE = 1;\n"),
    );
    let text = sandbox.read("repo/flake.nix");
    let last = text.rfind("# sccfg:was RUSTC_WRAPPER").unwrap();
    let line = text[..last].matches('\n').count() + 1;
    apply(&sandbox)
        .status(1)
        .stderr_has(&format!("flake.nix:{line}:"))
        .stderr_has("`RUSTC_WRAPPER` would be defined twice here");
}

#[test]
fn a_copy_of_a_region_of_env_beside_env_is_refused() {
    let flake = LINES.replace(
        "RUSTC_WRAPPER = \"sccache\";",
        "env = {\n          SCCACHE_DIR = \"/mine\";\n        };",
    );
    let sandbox = managed(&flake);
    let text = sandbox.read("repo/flake.nix");
    let start = text.find(&format!("          {BEGIN}")).unwrap();
    let end = text.find(END).unwrap() + END.len() + 1;
    let region = &text[start..end];
    assert!(region.contains("# sccfg:was SCCACHE_DIR"), "{text}");
    edit(
        &sandbox,
        "        };\n",
        &format!("        }};\n        MINE = 1;\n{region}"),
    );
    let before = sandbox.read("repo/flake.nix");
    for command in ["apply", "remove"] {
        sandbox
            .sccfg(&["-C", "repo", command])
            .status(1)
            .stderr_has("`SCCACHE_DIR` would be defined twice here")
            .stderr_has("hint: ");
        assert_eq!(sandbox.read("repo/flake.nix"), before);
    }
}

#[test]
fn an_unresolved_merge_conflict_is_refused() {
    let sandbox = managed(LINES);
    edit(
        &sandbox,
        &format!("        {BEGIN}"),
        &format!("<<<<<<< HEAD\n        {BEGIN}"),
    );
    edit(
        &sandbox,
        &format!("{END}\n"),
        &format!("{END}\n=======\n>>>>>>> other\n"),
    );
    refused(&sandbox, "<<<<<<< HEAD", "unresolved merge conflict");
}

#[test]
fn a_syntax_error_has_its_line_on_disk() {
    let sandbox = managed(LINES);
    edit(&sandbox, "    };\n}\n", "    };\n  mine = ;\n}\n");
    refused(&sandbox, "  mine = ;", "not valid Nix");
}

#[test]
fn a_refused_shell_has_its_line_on_disk_on_every_run() {
    let second = "      devShells.x86_64-linux.ci = builtins.trace \"\" (x: x) 1;\n    };\n}\n";
    let flake = LINES.replace("    };\n}\n", second);
    let sandbox = managed(&flake);
    let text = sandbox.read("repo/flake.nix");
    let line = text[..text.find("builtins.trace").unwrap()]
        .matches('\n')
        .count()
        + 1;
    assert!(line > 12, "{text}");
    let plan = sandbox.sccfg(&["-C", "repo", "init", "--shell", "ci", "--dry-run", "--json"]);
    let place = match plan.code {
        Some(0) => format!("\"line\":{line},"),
        _ => format!("flake.nix:{line}:"),
    };
    let said = format!("{}{}", plan.stdout, plan.stderr);
    assert!(said.contains(&place), "{said}");
}

#[test]
fn a_region_that_is_commented_out_is_a_comment() {
    let sandbox = managed(LINES);
    let text = sandbox.read("repo/flake.nix");
    let region = &text[text.find(BEGIN).unwrap()..text.find(END).unwrap() + END.len()];
    let lines: Vec<String> = region.lines().map(|line| format!("# {line}")).collect();
    edit(&sandbox, region, &lines.join("\n"));
    let after = removed(&sandbox);
    assert!(after.contains(&format!("# {BEGIN}\n# ")), "{after}");
}

#[test]
fn text_beside_a_region_of_a_home_is_kept() {
    let home = "home/.config/home-manager/home.nix";
    let sandbox = Sandbox::new().variable("USER", "me").file(
        home,
        "{ home.stateVersion = \"24.11\"; imports = [ ./git.nix ]; }\n",
    );
    sandbox.sccfg(&["home"]).status(0);
    let text = sandbox.read(home);
    sandbox.write(home, &text.replace("./git.nix", "./git.nix # mine"));
    sandbox.sccfg(&["home"]).status(0);
    sandbox.sccfg(&["home", "--remove"]).status(0);
    let after = sandbox.read(home);
    assert!(after.contains("./git.nix # mine\n"), "{after}");
    assert!(rnix::Root::parse(&after).errors().is_empty(), "{after}");
}

#[test]
fn lines_that_would_break_cargos_configuration_are_not_restored() {
    let config = "[build]\nincremental = true\njobs = 2\n";
    let sandbox = Sandbox::new()
        .file("repo/flake.nix", LINES)
        .file("repo/.cargo/config.toml", config);
    let init = [
        "-C",
        "repo",
        "init",
        "--no-user-config",
        "--fix-cargo-config",
    ];
    sandbox.sccfg(&init).status(0);
    let fixed = sandbox.read("repo/.cargo/config.toml");
    assert!(fixed.contains("# sccfg:was incremental"), "{fixed}");
    let with_own = fixed.replace("jobs = 2", "incremental = false");
    sandbox.write("repo/.cargo/config.toml", &with_own);
    let before = Tree::read(&sandbox.path("repo"));
    sandbox
        .sccfg(&["-C", "repo", "remove"])
        .status(1)
        .stderr_has(
            ".cargo/config.toml:2:1: could not restore the lines that sccfg commented out here",
        )
        .stderr_has("hint: ");
    before.assert_same(&Tree::read(&sandbox.path("repo")), "remove");
    // A formatter may have indented the line.
    sandbox.write(
        "repo/.cargo/config.toml",
        &fixed.replace("# sccfg:was", "  # sccfg:was"),
    );
    sandbox.sccfg(&["-C", "repo", "remove"]).status(0);
    assert_eq!(sandbox.read("repo/.cargo/config.toml"), config);
}

#[test]
fn a_line_in_the_region_of_an_envrc_is_refused() {
    let sandbox = Sandbox::new().file("repo/flake.nix", LINES);
    let init = ["-C", "repo", "init", "--no-user-config", "--direnv"];
    sandbox.sccfg(&init).status(0);
    let text = sandbox.read("repo/.envrc");
    sandbox.write(
        "repo/.envrc",
        &text.replace("use flake\n", "use flake\nexport MINE=1\n"),
    );
    let before = Tree::read(&sandbox.path("repo"));
    for command in ["apply", "remove"] {
        sandbox
            .sccfg(&["-C", "repo", command])
            .status(1)
            .stderr_has(".envrc:3:1: `export MINE=1` is in a sccfg region")
            .stderr_has("hint: ");
        before.assert_same(&Tree::read(&sandbox.path("repo")), command);
    }
}

#[test]
fn a_policy_with_carriage_returns_keeps_them() {
    let sandbox = managed(LINES);
    let text = sandbox.read("repo/sccfg.toml");
    sandbox.write(
        "repo/sccfg.toml",
        &format!("# mine\n{text}").replace('\n', "\r\n"),
    );
    let again = [
        "-C",
        "repo",
        "init",
        "--no-user-config",
        "--incremental",
        "workspace",
    ];
    sandbox.sccfg(&again).status(0);
    let after = sandbox.read("repo/sccfg.toml");
    assert!(after.starts_with("# mine\r\n"), "{after:?}");
    assert_eq!(after.matches('\n').count(), after.matches("\r\n").count());
}

#[test]
fn a_line_in_a_region_of_an_imported_file_is_refused_there() {
    let flake = LINES.replace(
        "pkgs.mkShell {\n        packages = [ ];\n        RUSTC_WRAPPER = \"sccache\";\n      };",
        "import ./shell.nix { inherit pkgs; };",
    );
    let shell = "{ pkgs }:\npkgs.mkShell {\n  packages = [ ];\n}\n";
    let sandbox = Sandbox::new()
        .file("repo/flake.nix", &flake)
        .file("repo/shell.nix", shell);
    let init = ["-C", "repo", "init", "--no-user-config"];
    sandbox.sccfg(&init).status(0);
    let text = sandbox.read("repo/shell.nix");
    sandbox.write(
        "repo/shell.nix",
        &text.replace("  CARGO_INC", "  MINE = 1;\n  CARGO_INC"),
    );
    let before = Tree::read(&sandbox.path("repo"));
    for command in ["apply", "remove", "init"] {
        sandbox
            .sccfg(&["-C", "repo", command])
            .status(1)
            .stderr_has("shell.nix:6:3: `MINE = 1;` is in a sccfg region");
        before.assert_same(&Tree::read(&sandbox.path("repo")), command);
    }
}
