// The tus project's server on a Unix socket. Usage: server.js SOCKET DIRECTORY
const { Server } = require("@tus/server");
const { FileStore } = require("@tus/file-store");

const [socket, directory] = process.argv.slice(2);
const server = new Server({ path: "/files", datastore: new FileStore({ directory }), respectForwardedHeaders: false });
server.listen({ path: socket });
process.on("SIGTERM", () => process.exit(0));
