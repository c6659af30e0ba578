use super::*;
use indexmap::IndexMap;
use proptest::prelude::*;
use serde_json::json;

const BODY: &str = r#"{"name":"Ann","pets":[{"kind":"cat","age":3},{"kind":"dog","age":5}],"n":null,"price":12.5,"text":"it's \"so\"/é"}"#;

fn variables() -> IndexMap<String, Value> {
    let context = json!({
        "httpMethod": "POST",
        "stage": "dev",
        "identity": { "sourceIp": "192.0.2.7" },
        "authorizer": { "principalId": "me" },
        "requestOverride": { "header": {}, "path": {}, "querystring": {} },
        "responseOverride": { "header": {} },
    });
    let stage = json!({ "colour": "blue", "a-b": "dash" });
    let pairs = [("context", context), ("stageVariables", stage)];
    let pairs = pairs.into_iter();
    pairs
        .map(|(name, json)| (name.to_owned(), Value::from(json)))
        .collect()
}

fn run(template: &str, body: &str) -> Result<String, VtlError> {
    let params = params(
        json!({ "id": "7" }),
        json!({ "q": "x y", "id": "no" }),
        json!({ "X-Mine": "m" }),
    );
    let input = Input::new(body.to_owned(), params);
    render(&Template::parse(template)?, &input, &mut variables())
}

fn made(template: &str) -> String {
    run(template, BODY).unwrap()
}

fn same(cases: &[(&str, &str)]) {
    for (template, expected) in cases {
        assert_eq!(made(template), *expected, "{template}");
    }
}

fn failed(template: &str) -> String {
    let error = run(template, BODY).unwrap_err().to_string();
    assert!(!error.contains('\n'), "{error}");
    error
}

#[test]
fn text_is_itself_and_references_are_values() {
    same(&[
        (
            "plain $ text # 5% $5 #foobar",
            "plain $ text # 5% $5 #foobar",
        ),
        ("$context.stage/${context.stage}x", "dev/devx"),
        ("$context.identity.sourceIp.", "192.0.2.7."),
        (
            "$stageVariables.colour ${stageVariables['a-b']}",
            "blue dash",
        ),
        ("$stageVariables.get('colour')", "blue"),
        (
            "[$context.none] [$none] [$!none] [$none.a.b()]",
            "[] [$none] [] [$none.a.b()]",
        ),
        (r"\$context.stage \#if(1) \x", r"$context.stage #if(1) \x"),
        (
            "a## to the end\nb#* this\n too *#c#[[$raw #if]]#",
            "abc$raw #if",
        ),
    ]);
}

#[test]
fn input_gives_the_body_and_the_parameters() {
    same(&[
        ("$input.json('$.pets[0]')", r#"{"kind":"cat","age":3}"#),
        ("$input.json('$.name')", "\"Ann\""),
        ("$input.json('$.none')", "\"\""),
        ("$input.path('$.name')", "Ann"),
        ("$input.path('$').pets[1].kind", "dog"),
        ("$input.path('$.pets').size()", "2"),
        ("$input.path('$.price') $input.path('$.none')|", "12.5 |"),
        (
            "$input.params('id') $input.params('q') $input.params('x-mine') $input.params('no')|",
            "7 x y m |",
        ),
        (
            "$input.params().path.id $input.params().get('header').keySet()",
            "7 [X-Mine]",
        ),
        (
            "$input.params('header')|$input.params().header",
            "|{X-Mine=m}",
        ),
    ]);
    assert_eq!(made("$input.body"), BODY);
    assert_eq!(run("$input.body $input.json('$')", "").unwrap(), "{} {}");
    assert_eq!(
        run("$input.body $input.json('$')", "plain").unwrap(),
        "plain \"plain\""
    );
}

#[test]
fn what_fails_while_it_runs_names_the_line_that_it_stands_on() {
    let cases = [
        ("\n$util.toJson(1)", 2, "$util has no method toJson"),
        ("#set($a = 1)\n\n#set($a.b = 2)", 3, "#set of b of a number"),
        (
            "a\n#if(true)\n#foreach($x\n in 'text')#end#end",
            3,
            "#foreach over a string",
        ),
        (
            "#if(false)\n#elseif($input.xml('$'))#end",
            2,
            "$input has no method xml",
        ),
        ("\n#set($t = \"\n$util.parseJson('oops')\")", 3, "no JSON"),
        ("$context.stage\n$input.path('$[?(@.b)]')", 2, "JSONPath"),
        ("#define($d)\n$util.none()#end\n$d", 2, "$util.none"),
    ];
    for (template, line, said) in cases {
        let error = failed(template);
        let place = format!("line {line} of the mapping template: ");
        assert!(error.starts_with(&place), "{template}: {error}");
        assert!(error.contains(said), "{template}: {error}");
    }
}

#[test]
fn maps_print_as_java_has_them_and_lists_of_json_as_json() {
    let body = r#"{"a": 1, "b": [{"c": 5}]}"#;
    assert_eq!(
        run("$input.path('$')", body).unwrap(),
        r#"{a=1, b=[{"c":5}]}"#
    );
    same(&[("#set($l = [1, 'a', true])$l", "[1, a, true]")]);
}

#[test]
fn util_encodes_and_decodes() {
    same(&[
        (
            "$util.escapeJavaScript($input.path('$.text'))",
            r#"it\'s \"so\"\/\u00E9"#,
        ),
        (
            "$util.escapeJavaScript($input.path('$.text')).replaceAll(\"\\\\'\",\"'\")",
            r#"it's \"so\"\/\u00E9"#,
        ),
        ("$util.urlEncode('x=a+b c*é')", "x%3Da%2Bb+c*%C3%A9"),
        ("$util.urlDecode('x%3Da+b')", "x=a b"),
        (
            "$util.base64Encode('hé') $util.base64Decode('aMOp')",
            "aMOp hé",
        ),
        (
            "#set($j = $util.parseJson('{\"k\":{\"arr\":[1,2]}}'))$j.k.arr[1]",
            "2",
        ),
    ]);
    assert!(failed("$util.parseJson('oops')").contains("what is no JSON"));
    assert!(failed("$util.toJson('x')").contains("$util has no method toJson"));
    assert!(failed("$util.base64Decode('%')").contains("no base64"));
    assert!(failed("$input.xml('$')").contains("$input has no method xml"));
    assert!(failed("$input.path('$.a[?(@.b)]')").contains("JSONPath"));
}

#[test]
fn conditions_choose() {
    same(&[
        (
            "#if($context.httpMethod == 'GET')a#elseif($context.stage == \"dev\")b#{else}c#end",
            "b",
        ),
        (
            "#if(!$none && ($input.path('$.price') > 12 || false))y#else#{end}",
            "y",
        ),
        (
            "#if($none == $null)n#end#if(not true or 1 lt 2)o#end#if('' )t#end",
            "not",
        ),
        (
            "#if(1 == 1.0)a#end#if('1' == 1)b#end#if(2 >= 3)c#end#if('b' gt 'a')d#end",
            "abd",
        ),
        ("#if($input.path('$.n'))y#{else}n#end", "n"),
    ]);
}

#[test]
fn values_are_computed() {
    same(&[
        ("#set($x = 1 + 2 * 3 - 4 / 2 % 3)$x", "5"),
        ("#set($x = (1 + 2) * -3)$x", "-9"),
        ("#set($x = 7 / 2)$x #set($x = 7.0 / 2)$x", "3 3.5"),
        ("#set($x = 'a' + 1)$x", "a1"),
        ("#set($x = \"${context.stage}-#if(true)y#end\")$x", "dev-y"),
        ("#set($x = '$context.stage')$x", "$context.stage"),
        ("#set($x = 'it''s')$x", "it's"),
        ("#set($x = 5)#set($x = $none)$x #set($y = 1 / 0)$!y", "5 "),
        (
            "#set($m = {'a': 1, \"b\": [1..3]})$m.a $m.b[2] $m['b'].get(0)",
            "1 3 1",
        ),
        (
            "#set($m = {})#set($m.a.b = 'c')#set($m['d'] = 1)$m",
            "{a={b=c}, d=1}",
        ),
        ("#set($l = [1, 2])#set($l[0] = 9)$l", "[9, 2]"),
    ]);
}

#[test]
fn loops_know_their_place() {
    same(&[
        (
            "[#foreach($p in $input.path('$.pets'))\"$p.kind\"#if($foreach.hasNext), #end#end]",
            "[\"cat\", \"dog\"]",
        ),
        (
            "#foreach($x in [1..4])#if($x == 3)#break#end$foreach.index$velocityCount #end.",
            "01 12 .",
        ),
        ("#foreach($x in {'a': 1, 'b': 2})$x#end $!x", "12 "),
        ("#foreach($x in $none)no#end", ""),
        (
            "#foreach($x in [1, 2])#foreach($y in [1, 2])$foreach.parent.count$foreach.count #end#end",
            "11 12 21 22 ",
        ),
        (
            "#foreach($x in [1, 2])$x#if($x == 1)#stop#end#end after",
            "1",
        ),
        (
            "#foreach($k in $input.params().querystring.keySet())$k;#end",
            "q;id;",
        ),
        (
            "#foreach($e in $stageVariables.entrySet())$e.key=$e.value;#end",
            "colour=blue;a-b=dash;",
        ),
    ]);
}

#[test]
fn a_block_is_run_where_it_is_printed() {
    let template = "#define($loop)#foreach($k in $map.keySet())$k=$map.get($k) #end#end\
        #set($map = $stageVariables)$loop|#set($map = $input.params().path)$loop";
    same(&[(template, "colour=blue a-b=dash |id=7 ")]);
}

#[test]
fn lists_and_maps_change_where_they_stand() {
    same(&[
        (
            "#set($l = [])#set($ok = $l.add('a'))$l.add(0, 'b')$l $l.size() $l.isEmpty()",
            "[b, a] 2 false",
        ),
        (
            "#set($m = {})$!m.put('a', [1])#set($n = $m.a.add(2))$m $m.containsKey('a')",
            "{a=[1, 2]} true",
        ),
        (
            "#set($m = {'a': 1})$m.remove('a')$m $m.getOrDefault('b', 2)",
            "1{} 2",
        ),
    ]);
}

#[test]
fn texts_have_methods() {
    same(&[
        (
            "#set($t = ' Hello, World ')$t.trim().toLowerCase().replace('l', 'L')",
            "heLLo, worLd",
        ),
        (
            "$context.stage.length() $context.stage.substring(1) $context.stage.substring(0, 2)",
            "3 ev de",
        ),
        (
            "$context.stage.contains('e') $context.stage.startsWith('x') $context.stage.indexOf('v')",
            "true false 2",
        ),
        (
            "#set($t = 'a1b22')$t.replaceAll('([0-9]+)', '<$1>') $t.replaceFirst('\\d', '') $t.matches('.*')",
            "a<1>b<22> ab22 true",
        ),
        (
            "#set($t = 'a,b,,')$t.split(',') $t.split(',').size()",
            "[a, b] 2",
        ),
        (
            "#set($Integer = 0)#set($n = $Integer.parseInt('12') + 1)$n",
            "13",
        ),
        (
            "$context.stage.equals('dev') $context.stage.equalsIgnoreCase('DEV')",
            "true true",
        ),
    ]);
}

#[test]
fn a_directive_alone_on_its_line_leaves_none() {
    let template = "{\n  #set($x = 1)\n  #if($x == 1)\n  \"a\": $x\n  #end\n}\n";
    same(&[(template, "{\n  \"a\": 1\n}\n")]);
    same(&[("a #if(true)b #end c\n", "a b  c\n")]);
}

#[test]
fn overrides_are_set_in_the_context() {
    let template = "#set($context.responseOverride.status = 202)\
        #set($context.requestOverride.header.x = \"y\")$context.requestOverride.path.put('a', 'b')";
    let input = Input::new(BODY.to_owned(), params(json!({}), json!({}), json!({})));
    let mut variables = variables();
    render(&Template::parse(template).unwrap(), &input, &mut variables).unwrap();
    let context = variables["context"].json();
    assert_eq!(context["responseOverride"]["status"], 202);
    assert_eq!(context["requestOverride"]["header"]["x"], "y");
    assert_eq!(context["requestOverride"]["path"]["a"], "b");
}

#[test]
fn what_is_not_understood_names_its_line() {
    for (template, said) in [
        (
            "\n#if(true)",
            "line 2 of the mapping template: #if has no #end",
        ),
        (
            "#foreach($x of [1])#end",
            "line 1 of the mapping template: \"in\" is missing",
        ),
        ("#set(x = 1)", "#set needs a reference"),
        ("#set($x = )", "an expression is missing"),
        ("#set($x = y)", "\"y\" is no expression"),
        ("#set($x = 'a)", "' is not closed"),
        (
            "a\nb #end",
            "line 2 of the mapping template: #end without its beginning",
        ),
        ("#macro(x)#end", "#macro is not supported"),
        ("#parse('x')", "#parse is not a directive"),
        ("${context.stage", "${context has no }"),
        ("$context.stage.chars()", "a string has no method chars()"),
        (
            "#set($x = [1])$x.map(1, 'a')",
            "a list has no method map(a number, a string)",
        ),
        ("#foreach($x in 'abc')#end", "#foreach over a string"),
        ("#set($input.body = 1)", "#set of $input"),
        ("$context.stage.matches('(?=x)')", "look-around"),
    ] {
        let error = failed(template);
        assert!(error.contains(said), "{template}: {error}");
    }
}

#[test]
fn a_template_cannot_run_for_long() {
    let long = "#foreach($a in [1..9999])#foreach($b in [1..9999])#end#end";
    assert_eq!(run(long, BODY), Err(VtlError::Steps(500_000)));
    let doubling = "#set($x = '0123456789')#foreach($a in [1..99])#set($x = $x + $x)#end";
    assert!(matches!(run(doubling, BODY), Err(VtlError::Length(_))));
    let printed = "#set($x = '0123456789')#foreach($a in [1..99])#set($x = \"$x$x\")#end";
    assert!(matches!(run(printed, BODY), Err(VtlError::Length(_))));
    let itself = "#define($a)$a#end$a";
    assert!(matches!(run(itself, BODY), Err(VtlError::Depth(_))));
    let nested = "#set($x = [])#foreach($a in [1..9999])#set($x = [$x])#end";
    assert!(matches!(run(nested, BODY), Err(VtlError::Depth(_))));
    let within = "#set($x = [])#foreach($a in [1..9999])$x.add($x)#end";
    assert!(run(within, BODY).is_err());
    let deep = "(".repeat(5_000);
    assert!(matches!(
        run(&format!("#set($x = {deep}"), BODY),
        Err(VtlError::Depth(_))
    ));
    let blocks = "#if(true)".repeat(5_000);
    assert!(matches!(run(&blocks, BODY), Err(VtlError::Depth(_))));
    let signs = "!".repeat(5_000);
    assert!(matches!(
        run(&format!("#if({signs}1)"), BODY),
        Err(VtlError::Depth(_))
    ));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn no_template_is_too_strange(
        pieces in prop::collection::vec(
            prop::sample::select(vec![
                "#set(", "$x", "=", "1", ")", "#if(", "#end", "#else", "#elseif(", "#foreach(", " in ", "[",
                "]", "{", "}", "$context", ".a", ".get(", "'", "\"", "..", "#define(", "#break", "!", "-",
                "$input.path('$')", "$util.", "||", "==", "+", "/", "0", "\\", "\n", "é", ":", ",", "$!{",
            ]),
            0..24,
        ),
    ) {
        let _ = run(&pieces.concat(), BODY);
    }
}
