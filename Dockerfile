# The server in a container: docker compose up. Needs the grants of docker-compose.yml; `schedscope doctor` inside says which are missing.

FROM debian:trixie-slim AS build
RUN apt-get update -qq \
 && apt-get install -y -qq --no-install-recommends gcc libc6-dev python3-dev python3-venv >/dev/null
RUN python3 -m venv /opt/schedscope
WORKDIR /src
COPY requirements.txt requirements-build.txt ./
RUN /opt/schedscope/bin/pip install --quiet --no-cache-dir --require-hashes -r requirements.txt -r requirements-build.txt
COPY . .
# The import fails the build when the extension is not there.
RUN /opt/schedscope/bin/pip install --quiet --no-cache-dir --no-deps --no-build-isolation . \
 && cd / && /opt/schedscope/bin/python -c 'import app.probe._hooks, app.cli' \
 && /opt/schedscope/bin/pip uninstall --quiet --yes setuptools pip

FROM debian:trixie-slim
# RabbitMQ is 100 MB with its Erlang: build with --build-arg PACKAGES=rabbitmq-server for the experiments that need it.
ARG PACKAGES=""
RUN apt-get update -qq \
 && apt-get install -y -qq --no-install-recommends bubblewrap libseccomp2 python3 $PACKAGES >/dev/null \
 && rm -rf /var/lib/apt/lists/* /var/cache/apt/*
# Everything that is kept lies in /data.
RUN useradd --uid 10001 --user-group --no-create-home --home-dir /data --shell /usr/sbin/nologin schedscope \
 && install -d -o schedscope -g schedscope /data
COPY --from=build /opt/schedscope /opt/schedscope
ENV PATH=/opt/schedscope/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    SCHEDSCOPE_DATA_DIR=/data
USER schedscope
WORKDIR /data
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s \
  CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/healthz', timeout=4)"]
CMD ["schedscope", "serve", "--host", "0.0.0.0", "--port", "8000"]
