// Holds documents against the schema of JSON:API that `jsonapi-validator` has. Standard input has a list of
// {"of", "document"}.
//
//   node jsonapi.cjs MODULES < LIST
const [modules] = process.argv.slice(2);
const { Validator } = require(require.resolve("jsonapi-validator", { paths: [modules] }));

const documents = JSON.parse(require("fs").readFileSync(0, "utf8"));
const validator = new Validator();
let refused = 0;
for (const { of, document } of documents) {
  try {
    validator.validate(document);
  } catch (error) {
    refused += 1;
    console.log(of, JSON.stringify(document), JSON.stringify(error.errors?.map((it) => [it.dataPath, it.message])));
  }
}
// A validator that takes anything proves nothing.
if (validator.isValid({ data: { id: 1 } })) {
  console.log("a number is taken for an id");
  refused += 1;
}
process.exit(refused === 0 && documents.length > 0 ? 0 : 1);
