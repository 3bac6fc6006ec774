// One thing that a program does with the npm package `openai`, against a gateway:
//
//     node client.mjs BASE_URL WHAT MODEL [JSON fields of the request]
//
// Prints what came of it as one line of JSON.

import OpenAI from "openai";

const [baseURL, what, model, fields = "{}"] = process.argv.slice(2);
const client = new OpenAI({ baseURL, apiKey: "sk-any", maxRetries: 0, timeout: 20_000 });
const asked = { model, messages: [{ role: "user", content: "Hi" }], ...JSON.parse(fields) };

const things = {
  async whole() {
    const { data, response } = await client.chat.completions.create(asked).withResponse();
    return { ...told(data), headers: Object.fromEntries(response.headers) };
  },

  async stream() {
    const options = { stream_options: { include_usage: true } };
    const runner = client.chat.completions.stream({ ...asked, ...options });
    const words = [];
    runner.on("content", (word) => words.push(word));
    return { ...told(await runner.finalChatCompletion()), words };
  },

  // Says its first word, leaves the stream, and lives on until its standard input is closed.
  async leave() {
    const stream = await client.chat.completions.create({ ...asked, stream: true });
    for await (const chunk of stream) {
      const word = chunk.choices[0].delta.content;
      if (word) {
        stream.controller.abort();
        console.log(JSON.stringify({ word }));
      }
    }
    for await (const _ of process.stdin);
    return { left: true };
  },

  async timeout() {
    return told(await client.chat.completions.create(asked, { timeout: 500 }));
  },

  async embed() {
    const made = await client.embeddings.create({ model, input: ["one", "zwei"] });
    return { vectors: made.data.map((each) => each.embedding), usage: made.usage };
  },

  async models() {
    const names = [];
    for await (const each of client.models.list()) names.push(each.id);
    return { names, one: await client.models.retrieve(model) };
  },
};

function told(completion) {
  const [{ message, finish_reason }] = completion.choices;
  return { message, finish_reason, usage: completion.usage };
}

function failure(error) {
  const { status = null, code = null, param = null, requestID = null } = error;
  return { failed: error.constructor.name, status, code, param, requestID };
}

console.log(JSON.stringify(await things[what]().catch(failure)));
