// Types an admission policy's expressions by another CEL engine, as an API server compiles them: reads {policy}, prints {conditions,
// patch} with each one's type, or what is wrong with it. Lists and maps have members of one type; the API server's own messages are
// calls here, JSONPatch with the fields that it has, and Object... with any.
import { readFileSync } from "node:fs";
import { Environment } from "@marcbachmann/cel-js";

const textFields = ["op", "path", "from"];
const { policy } = JSON.parse(readFileSync(0, "utf8"));
const conditions = Object.fromEntries(policy.spec.matchConditions.map(({ name, expression }) => [name, typeOf(expression)]));
const patch = policy.spec.mutations.map(({ jsonPatch }) => typeOf(jsonPatch.expression)).join(", ");
console.log(JSON.stringify({ conditions, patch }));

function typeOf(expression) {
  const names = new Set();
  const text = withCalls(expression, names);
  const environment = new Environment({ homogeneousAggregateLiterals: true }).registerVariable("object", "dyn");
  environment.registerFunction("text(string): dyn", (value) => value);
  // Of Kubernetes' CEL library.
  environment.registerFunction("list.indexOf(dyn): int", () => 0n);
  for (const name of names) {
    environment.registerType(name, class {});
    environment.registerFunction(`${name}_of(map): ${name}`, (fields) => fields);
  }
  const { valid, type, error } = environment.check(text);
  return valid ? String(type) : error.message;
}

// Name{a: x} as Name_of({"a": dyn(x)}): the values of a message's fields need not be of one type.
function withCalls(expression, names) {
  const open = [];
  const token = /((?:Object(?:\.\w+)*|JSONPatch))\s*\{|(?<=[{,]\s*)([A-Za-z_]\w*)\s*:|([{(\[])|([})\]])|(,)/g;
  const rewritten = (part) => part.replace(token, (found, message, field, opening, closing, comma) => {
    const inside = open.at(-1);
    if (message) {
      const name = message.replaceAll(".", "_");
      names.add(name);
      open.push({ name, isEmpty: true });
      return `${name}_of({`;
    }
    if (field && inside?.name) {
      inside.isEmpty = false;
      return `"${field}": ${wrapper(inside.name, field)}(`;
    }
    if (opening) open.push({});
    if (closing) open.pop();
    if (closing && inside.name) return inside.isEmpty ? "})" : ")})";
    return comma && inside?.name ? ")," : found;
  });
  return expression.split(/("(?:[^"\\]|\\.)*")/).map((part, i) => (i % 2 === 0 ? rewritten(part) : part)).join("")
    // The engine's has() wants a name; it is a bool whatever it is asked about.
    .replace(/\bhas\(\w+\[0\]\./g, "has(object.");
}

function wrapper(message, field) {
  if (message !== "JSONPatch" || field === "value") return "dyn";
  return textFields.includes(field) ? "text" : `no_field_${field}`;
}
