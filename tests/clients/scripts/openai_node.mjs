// The openai SDK for Node. NODE_PATH is not for modules, so the package's directory is given.
import assert from "node:assert/strict";
import { createRequire } from "node:module";

const require = createRequire(`${process.argv[2]}/`);
const OpenAI = require("openai").default ?? require("openai");
const client = new OpenAI({ maxRetries: 0 });
const messages = [{ role: "user", content: "Hello!" }];
const said = "Hello there, friend!";

const answer = await client.chat.completions.create({ model: "auto", messages });
assert.equal(answer.choices[0].message.content, said);
assert.equal(answer.model, "alpha/m");
assert.match(answer._request_id, /^req_/);

let text = "", usage;
const stream = await client.chat.completions.create({
  model: "auto", messages, stream: true, stream_options: { include_usage: true },
});
for await (const chunk of stream) {
  text += chunk.choices[0]?.delta?.content ?? "";
  usage = chunk.usage ?? usage;
}
assert.equal(text.trim(), said);
assert.equal(usage.total_tokens, 12);

const response = await client.responses.create({ model: "auto", input: "Hello!" });
assert.equal(response.output_text, said);

await assert.rejects(client.chat.completions.create({ model: "autp", messages }), (error) => {
  assert.ok(error instanceof OpenAI.NotFoundError);
  assert.equal(error.code, "model_not_found");
  assert.match(error.requestID, /^req_/);
  return true;
});
const busy = new OpenAI({ maxRetries: 2 });
const later = await busy.chat.completions.create({ model: "auto", messages: [{ role: "user", content: "busy" }] });
assert.equal(later.choices[0].message.content, said);
console.log("ok");
