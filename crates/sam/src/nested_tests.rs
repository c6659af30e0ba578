use crate::function::Code;
use crate::problem::Problems;
use crate::stack::Stack;
use crate::testing::{problems_of, resolve_among};
use serde_json::json;

#[track_caller]
fn among(text: &str, files: &[(&str, &str)]) -> Stack {
    resolve_among(text, files).unwrap_or_else(|problems: Problems| panic!("{problems}"))
}

const OUTER: &str = "Transform: AWS::Serverless-2016-10-31
Parameters:
  Zones: {Type: CommaDelimitedList, Default: 'a,b'}
Resources:
  Topic: {Type: AWS::SNS::Topic}
  Orders:
    Type: AWS::Serverless::Application
    DeletionPolicy: Retain
    Properties:
      Location: orders/template.yaml
      Parameters:
        Topic: !Ref Topic
        Zones: !Ref Zones
  After:
    Type: AWS::SNS::Topic
    Properties: {DisplayName: !Sub '${Orders.Outputs.Table} ${Orders.Outputs.Deep}'}
Outputs:
  Table: {Value: !GetAtt Orders.Outputs.Table}
";

const ORDERS: &str = "Transform: AWS::Serverless-2016-10-31
Parameters:
  Topic: {Type: String}
  Zones: {Type: CommaDelimitedList}
Globals: {Function: {Runtime: python3.13}}
Resources:
  Table: {Type: AWS::Serverless::SimpleTable}
  Hello:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: ./src
      Handler: app.handler
      Environment: {Variables: {TABLE: !Ref Table, TOPIC: !Ref Topic, STACK: !Ref AWS::StackName, ZONE: !Select [1, !Ref Zones]}}
  Deep:
    Type: AWS::CloudFormation::Stack
    Properties: {TemplateURL: ../deep.json}
Outputs:
  Table: {Value: !Ref Table}
  Deep: {Value: !GetAtt Deep.Outputs.Name}
";

const DEEP: &str = r#"{"Resources": {"Layer": {"Type": "AWS::Lambda::LayerVersion", "Properties":
    {"LayerName": "deep", "Content": "layer"}}}, "Outputs": {"Name": {"Value": {"Ref": "AWS::StackName"}}}}"#;

#[test]
fn a_nested_templates_resources_stand_in_the_outer_stack() {
    let stack = among(
        OUTER,
        &[("orders/template.yaml", ORDERS), ("deep.json", DEEP)],
    );
    let ids: Vec<&str> = stack.resources.keys().map(String::as_str).collect();
    assert_eq!(
        ids,
        [
            "Topic",
            "Orders",
            "After",
            "Orders/Table",
            "Orders/Hello",
            "Orders/Deep",
            "Orders/HelloRole",
            "Orders/Deep/Layer",
        ]
    );
    let functions = stack.functions().unwrap();
    let hello = &functions[0];
    assert_eq!(hello.logical_id, "Orders/Hello");
    assert_eq!(hello.code, Code::Path("orders/src".into()));
    assert_eq!(hello.role.as_deref(), Some("Orders/HelloRole.Arn"));
    let environment = json!(hello.environment);
    assert_eq!(
        environment,
        json!({"TABLE": "Orders/Table", "TOPIC": "Topic", "STACK": "shop-Orders", "ZONE": "b"})
    );
    assert_eq!(
        stack.layers().unwrap()[0].content,
        Code::Path("layer".into())
    );
    let after = &stack.resources["After"].properties["DisplayName"];
    assert_eq!(after, "Orders/Table shop-Orders-Deep");
    assert_eq!(stack.outputs[0].value, "Orders/Table");
    assert_eq!(stack.unsupported, []);
    let places: Vec<&String> = stack.nested.keys().collect();
    assert_eq!(places, ["Orders", "Orders/Deep"]);
    let orders = &stack.nested["Orders"];
    assert_eq!(orders.template, ORDERS);
    assert_eq!(orders.parameters["Zones"], "a,b");
    assert_eq!(orders.outputs[0].value, "Orders/Table");
}

#[test]
fn a_nested_stack_waits_for_its_resources_and_they_for_what_it_waits_for() {
    let stack = among(
        OUTER,
        &[("orders/template.yaml", ORDERS), ("deep.json", DEEP)],
    );
    let hello = &stack.resources["Orders/Hello"];
    assert_eq!(hello.references, ["Orders/HelloRole", "Orders/Table"]);
    assert_eq!(hello.depends_on, ["Topic"]);
    assert_eq!(hello.deletion_policy.as_deref(), Some("Retain"));
    let orders = &stack.resources["Orders"];
    assert!(orders.depends_on.contains(&"Orders/Deep".to_owned()));
    let deep = &stack.resources["Orders/Deep"];
    assert!(deep.depends_on.contains(&"Orders/Deep/Layer".to_owned()));
    assert_eq!(stack.resources["After"].references, ["Orders"]);
}

#[test]
fn the_events_of_a_nested_template_are_routes_of_its_own_api() {
    let function = |path: &str| {
        format!(
            "  Hello:\n    Type: AWS::Serverless::Function\n    Properties:\n      CodeUri: src\n      \
             AutoPublishAlias: live\n      Events:\n        Rest: {{Type: Api, Properties: {{Path: /{path}, \
             Method: get}}}}\n        Http: {{Type: HttpApi, Properties: {{Path: /{path}, Method: get}}}}\n"
        )
    };
    let nested = format!("Resources:\n{}", function("inner"));
    let outer = format!(
        "Resources:\n{}  Orders:\n    Type: AWS::Serverless::Application\n    Properties: {{Location: \
         orders.yaml}}\n",
        function("outer")
    );
    let stack = among(&outer, &[("orders.yaml", &nested)]);
    let apis = stack.apis().unwrap();
    let routes: Vec<(&str, &str, &str)> = apis
        .iter()
        .flat_map(|api| api.routes.iter().map(move |route| (api, route)))
        .map(|(api, route)| {
            let function = route.integration.as_ref().unwrap().function.as_deref();
            (
                api.logical_id.as_str(),
                route.path.as_str(),
                function.unwrap(),
            )
        })
        .collect();
    assert_eq!(
        routes,
        [
            ("ServerlessRestApi", "/outer", "HelloAliaslive"),
            ("ServerlessHttpApi", "/outer", "HelloAliaslive"),
            (
                "Orders/ServerlessRestApi",
                "/inner",
                "Orders/HelloAliaslive"
            ),
            (
                "Orders/ServerlessHttpApi",
                "/inner",
                "Orders/HelloAliaslive"
            ),
        ]
    );
}

#[test]
fn a_nested_templates_problems_carry_its_file() {
    let nested = "Parameters: {A: {Type: String}, B: {Type: String, Default: b}}
Resources:
  Hello:
    Type: AWS::Serverless::Function
    Properties: {Handler: app.handler, Timeout: 1000, CodeUri: .}
";
    let outer = |parameters: &str| {
        format!(
            "Resources:\n  N:\n    Type: AWS::Serverless::Application\n    Properties:\n      \
             Location: ./n/t.yaml\n      Parameters: {parameters}\n"
        )
    };
    let files = [("n/t.yaml", nested)];
    let stack = among(&outer("{A: 1}"), &files);
    assert_eq!(
        problems_of(stack.functions()),
        [
            "n/t.yaml:3:3: Orders".replace("Orders", "N/Hello.Runtime")
                + ": AWS::Serverless::Function needs this property.",
            "n/t.yaml:5:40: N/Hello.Timeout: it must be from 1 to 900 seconds.".to_owned(),
        ]
    );
    assert_eq!(
        problems_of(resolve_among(&outer("{a: 1, B: {c: d}}"), &files)),
        [
            "t.yaml:6:19: N.Parameters: the nested template's parameter A needs a value.",
            "t.yaml:6:20: N.Parameters: the nested template declares no parameter a. Did you mean \
             A?",
            "t.yaml:6:26: N.Parameters: the parameter B must be text or a list of texts.",
        ]
    );
    let broken = [(
        "n/t.yaml",
        "Resources:\n  A: {Type: X, Properties: {V: !Ref Gone}}\n",
    )];
    assert_eq!(
        problems_of(resolve_among(&outer("{}"), &broken)),
        ["n/t.yaml:2:32: A.V: Gone is neither a parameter nor a resource of this template."]
    );
    assert_eq!(
        problems_of(resolve_among(&outer("{}"), &[])),
        [
            "t.yaml:5:17: N.Location: the nested template ./n/t.yaml cannot be read: there is no \
          such file."
        ]
    );
}

#[test]
fn a_remote_template_is_left_out_and_said() {
    let stack = among(
        "Resources:
  Url: {Type: AWS::CloudFormation::Stack, Properties: {TemplateURL: 'https://s3.amazonaws.com/b/t'}}
  Sar:
    Type: AWS::Serverless::Application
    Properties: {Location: {ApplicationId: 'arn:aws:serverlessrepo:app', SemanticVersion: 1.0.0}}
Outputs:
  Out: {Value: !GetAtt Url.Outputs.Table}
",
        &[],
    );
    let notes: Vec<_> = stack.unsupported.iter().map(ToString::to_string).collect();
    assert_eq!(
        notes,
        [
            "t.yaml:2:69: Url.TemplateURL: https://s3.amazonaws.com/b/t is not read (it is not \
             here): nothing of it exists here.",
            "t.yaml:5:28: Sar.Location: arn:aws:serverlessrepo:app is not fetched: nothing of it \
             exists here.",
        ]
    );
    assert_eq!(stack.outputs[0].value, "Url.Outputs.Table");
}

#[test]
fn circles_and_unknown_outputs_are_named() {
    let outer = "Resources:
  A:
    Type: AWS::CloudFormation::Stack
    Properties: {TemplateURL: n.yaml, Parameters: {P: !GetAtt B.Outputs.O}}
  B:
    Type: AWS::CloudFormation::Stack
    Properties: {TemplateURL: n.yaml, Parameters: {P: !GetAtt A.Outputs.O}}
  C: {Type: AWS::CloudFormation::Stack, Properties: {TemplateURL: n.yaml, Parameters: {P: 1}}}
Outputs:
  Out: {Value: !GetAtt C.Outputs.Oh}
";
    let nested = "Parameters: {P: {Type: String}}
Resources: {T: {Type: AWS::SNS::Topic}}
Outputs: {O: {Value: !Ref P}}
";
    assert_eq!(
        problems_of(resolve_among(outer, &[("n.yaml", nested)])),
        [
            "t.yaml:2:3: A: these resources wait for each other: A → B → A; break the circle by \
             removing one of the references.",
            "t.yaml:10:16: Outputs.Out: C has no output Oh: its template is n.yaml. Did you mean O?",
        ]
    );
    let own =
        "Resources: {N: {Type: AWS::CloudFormation::Stack, Properties: {TemplateURL: me.yaml}}}";
    let problems = problems_of(resolve_among(own, &[("me.yaml", own)]));
    assert_eq!(
        problems,
        ["me.yaml:1:77: N.TemplateURL: me.yaml stands within itself, or too deep."]
    );
}

#[test]
fn code_that_is_made_of_an_asset_is_found_by_its_key() {
    let stack = among(
        "Resources:
  F:
    Type: AWS::Lambda::Function
    Properties: {Handler: a.b, Runtime: python3.13, Code: {S3Bucket: b, S3Key: abc.zip}}
  Other:
    Type: AWS::Lambda::Function
    Metadata: {'aws:asset:path': asset.own}
    Properties: {Handler: a.b, Runtime: python3.13, Code: {S3Bucket: b, S3Key: abc.zip}}
  Gone:
    Type: AWS::Lambda::Function
    Properties: {Handler: a.b, Runtime: python3.13, Code: {S3Bucket: b, S3Key: def.zip}}
",
        &[("abc.zip", "asset.abc")],
    );
    let functions = stack.functions().unwrap();
    let codes: Vec<_> = functions.iter().map(|it| it.code.clone()).collect();
    assert_eq!(
        codes,
        [
            Code::Path("asset.abc".into()),
            Code::Path("asset.own".into()),
            Code::Remote("s3://b/def.zip".into()),
        ]
    );
}
