// Evaluates an admission policy for a pod with a CEL engine of others: reads {policy, pod}, prints {conditions, patch}.
// The API server's own types (Object..., JSONPatch) are not known to the engine; they become maps with the same fields.
import { readFileSync } from "node:fs";
import { run, celMethod, listType, CelScalar, isCelError, isCelList, isCelMap } from "@bufbuild/cel";

// Of Kubernetes' CEL library; the standard has it for strings only.
const indexOf = celMethod("indexOf", listType(CelScalar.DYN), [CelScalar.DYN], CelScalar.INT, function (wanted) {
  return BigInt([...this].indexOf(wanted));
});

const { policy, pod } = JSON.parse(readFileSync(0, "utf8"));
const object = toCel(pod);
const variables = {};
for (const { name, expression } of policy.spec.variables ?? []) variables[name] = evaluate(expression);
const conditions = Object.fromEntries(
  policy.spec.matchConditions.map(({ name, expression }) => [name, evaluate(expression)]));
const patch = policy.spec.mutations.flatMap(({ jsonPatch }) => fromCel(evaluate(jsonPatch.expression)));
console.log(JSON.stringify({ conditions, patch }));

function evaluate(expression) {
  const result = run(withMaps(expression), { object, variables }, { funcs: [indexOf] });
  if (isCelError(result)) throw new Error(`${result.message}: ${expression}`);
  return result;
}

function withMaps(expression) {
  const outsideStrings = (part) => part
    .replace(/\b(Object(\.\w+)*|JSONPatch)\s*\{/g, "{")
    .replace(/([{,]\s*)([A-Za-z_]\w*)\s*:/g, '$1"$2":');
  return expression.split(/("(?:[^"\\]|\\.)*")/)
    .map((part, i) => (i % 2 === 0 ? outsideStrings(part) : part)).join("");
}

function toCel(value) {
  if (Number.isInteger(value)) return BigInt(value);
  if (Array.isArray(value)) return value.map(toCel);
  if (value === null || typeof value !== "object") return value;
  return new Map(Object.entries(value).map(([key, member]) => [key, toCel(member)]));
}

function fromCel(value) {
  if (typeof value === "bigint") return Number(value);
  if (isCelList(value)) return [...value].map(fromCel);
  if (isCelMap(value)) return Object.fromEntries([...value].map(([key, member]) => [key, fromCel(member)]));
  return value;
}
