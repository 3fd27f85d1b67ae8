"""Makes the generated modules importable: they live in the package `grpc`, where the library is too."""

import os
import sys

import grpc

grpc.__path__.append(os.path.join(sys.argv[1], "grpc"))
