use super::*;

const TOML: &str = "version = 0.1
[default.global.parameters]
stack_name = \"shop\"
debug = true

[default.local_start_api.parameters]
port = 4_000
debug = \"false\"
parameter_overrides = \"Stage=dev Size=5\"
container_env_vars = [\"a\", 'b']

[prod.local_start_api.parameters]
parameter_overrides = [\"Stage=prod\", { Size = 5, Zones = [\"a \", \"\", \"b\"] }, \"file://more.yaml\"]
";

fn settings(file: &str, text: &str, environment: &str) -> Settings {
    let config = SamConfig::parse(file, text).unwrap_or_else(|problems| panic!("{problems}"));
    let settings = config.settings(environment, "local_start_api");
    settings.unwrap_or_else(|problem| panic!("{problem}"))
}

fn described(found: &[Override]) -> Vec<String> {
    let described = found.iter().map(|it| match it {
        Override::Words(words) => words.clone(),
        Override::Pair(name, value) => format!("{name}: {value}"),
        Override::File(path) => format!("< {path}"),
    });
    described.collect()
}

#[test]
fn a_commands_own_parameters_win_over_those_of_every_command() {
    let settings = settings("samconfig.toml", TOML, "default");
    assert_eq!(settings.text("stack_name"), Ok(Some("shop".into())));
    assert_eq!(settings.boolean("debug"), Ok(Some(false)));
    assert_eq!(settings.number("port"), Ok(Some(4000)));
    let texts = settings.texts("container_env_vars");
    assert_eq!(texts, Ok(vec!["a".into(), "b".into()]));
    assert_eq!(settings.text("absent"), Ok(None));
    let mut keys: Vec<_> = settings.keys().collect();
    keys.sort_unstable();
    assert_eq!(
        keys,
        [
            "container_env_vars",
            "debug",
            "parameter_overrides",
            "port",
            "stack_name"
        ]
    );
    let found = settings.parameter_overrides().unwrap();
    assert_eq!(described(&found), ["Stage=dev Size=5"]);
}

#[test]
fn overrides_are_text_list_map_or_all_of_them() {
    let settings = settings("samconfig.toml", TOML, "prod");
    let found = settings.parameter_overrides().unwrap();
    let expected = ["Stage=prod", "Size: 5", "Zones: a,b", "< more.yaml"];
    assert_eq!(described(&found), expected);
    assert_eq!(settings.text("stack_name"), Ok(None));
}

#[test]
fn yaml_says_the_same() {
    let text = "version: 0.1
default:
  local_start_api:
    parameters:
      parameter_overrides:
        - Stage=dev
        - Size: 5
          Debug: true
          None:
          $include: [file://a.json, file://b.json]
";
    let settings = settings("samconfig.yml", text, "default");
    let found = settings.parameter_overrides().unwrap();
    let expected = [
        "Stage=dev",
        "Size: 5",
        "Debug: true",
        "None: ",
        "< a.json",
        "< b.json",
    ];
    assert_eq!(described(&found), expected);
    let read = overrides_of_file("more.json", "{\"A\": \"1\", \"B\": [1, 2]}").unwrap();
    assert_eq!(described(&read), ["A: 1", "B: 1,2"]);
}

#[test]
fn an_environment_that_is_not_there_is_named_and_no_default_is_as_good_as_an_empty_one() {
    let config = SamConfig::parse("samconfig.toml", TOML).unwrap();
    let problem = config.settings("prd", "local_invoke").err().unwrap();
    assert_eq!(
        problem.to_string(),
        "samconfig.toml: there is no environment prd, but default, prod. Did you mean prod?"
    );
    for empty in [("samconfig.toml", ""), ("samconfig.yaml", "\n")] {
        let config = SamConfig::parse(empty.0, empty.1).unwrap();
        let settings = config.settings("default", "local_invoke").unwrap();
        assert_eq!(settings.keys().count(), 0);
    }
}

#[test]
fn what_is_wrong_is_said_with_its_place_and_without_values() {
    let form = |text| match SamConfig::parse("samconfig.toml", text) {
        Ok(_) => panic!("nothing was wrong"),
        Err(problems) => problems.to_string(),
    };
    assert_eq!(
        form("default = 1\n[prod]\nbuild = 'x'\ndeploy = { parameters = 2 }\n"),
        "samconfig.toml:1:11: default: it must be a table, but it is a number.\n\
         samconfig.toml:3:9: prod.build: it must be a table, but it is text.\n\
         samconfig.toml:4:25: prod.deploy.parameters: it must be a table, but it is a number."
    );
    let broken = form("version = 0.1\n[default\n");
    assert!(
        broken.starts_with("samconfig.toml:2:") && broken.contains("not valid TOML"),
        "{broken}"
    );
    let text = "[default.local_start_api.parameters]
port = 'secret'
warm_containers = [[1]]
parameter_overrides = [1, { A = { B = 'secret' } }, { '$include' = 'secret' }]
";
    let settings = settings("samconfig.toml", text, "default");
    let lines = [
        settings.number("port").unwrap_err().to_string(),
        settings.texts("warm_containers").unwrap_err().to_string(),
        settings.parameter_overrides().err().unwrap().to_string(),
    ];
    assert_eq!(
        lines.join("\n"),
        "samconfig.toml:2:1: port: it must be a whole number, but it is text.\n\
         samconfig.toml:3:1: warm_containers: it must be a list of texts, but it is a list.\n\
         samconfig.toml:4:24: parameter_overrides: Name=value was expected, but this is a number.\n\
         samconfig.toml:4:29: parameter_overrides: the value of A must be text or a list of texts, \
         but it is a map.\n\
         samconfig.toml:4:68: parameter_overrides: $include names files: file://path, or a list of \
         such."
    );
}
